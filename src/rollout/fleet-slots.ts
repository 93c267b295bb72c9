import { parseHolderRecord } from '../lock/holder-record.ts'
import { reservedFor } from '../lock/reservation.ts'
import { slotNumber } from '../lock/slot-numbers.ts'
import type { FleetView } from './fleet-view.ts'
import { knownHosts } from './fleet-view.ts'
import { roleOf } from './host-role.ts'
import { limitIn } from './percentage-of-hosts.ts'
import type { RolloutFile } from './rollout-file.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** The slots of the cluster or of a role. */
export interface FleetSlots {
  /** `undefined`: the cluster's. */
  readonly role: string | undefined
  readonly limit: number
  /** The hosts that have one, while they upgrade or reboot. */
  readonly takenBy: readonly string[]
}

/** All slots that there are by this file, the cluster's first. */
export function fleetSlots(file: RolloutFile, keys: RolloutKeys, fleet: FleetView): FleetSlots[] {
  const hosts = knownHosts(fleet)
  const roles = Object.entries(file.limits.roles).map(([role, limit]) => {
    const all = hosts.filter((host) => roleOf(file, host) === role).length
    return { role, limit: limitIn(limit, all), takenBy: takenIn(fleet, keys.roleSlots(role)) }
  })
  const limit = limitIn(file.limits.cluster, hosts.length)
  return [{ role: undefined, limit, takenBy: takenIn(fleet, keys.clusterSlots) }, ...roles]
}

function takenIn({ records }: FleetView, folder: string): string[] {
  return records.entries
    .filter(({ key }) => slotNumber(folder, key) !== undefined)
    .flatMap((entry) => {
      const host =
        entry.session === undefined ? reservedFor(entry) : (parseHolderRecord(entry.value).host ?? 'somebody')
      return host === undefined ? [] : [host]
    })
    .sort()
}

/** Why a host gets no slot now; `undefined` when one is free. */
export function whyNoSlot(slots: readonly FleetSlots[], host: string, hostRole: string): string | undefined {
  const full = slots
    .filter(({ role }) => role === undefined || role === hostRole)
    .find(({ limit, takenBy }) => takenBy.length >= limit && !takenBy.includes(host))
  if (full === undefined) return undefined
  const { role, limit, takenBy } = full
  const name = role === undefined ? 'the cluster' : `the role ${role}`
  return `waiting for a slot of ${name}: ${takenBy.length} of ${limit} taken (${listed(takenBy)})`
}

function listed(hosts: readonly string[]): string {
  const shown = hosts.slice(0, 3).join(', ')
  return hosts.length > 3 ? `${shown} and ${hosts.length - 3} more` : shown
}
