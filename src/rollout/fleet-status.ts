import type { FleetGates } from './fleet-gates.ts'
import { type FleetSlots, fleetSlots, whyNoSlot } from './fleet-slots.ts'
import { deadHosts, type FleetView, isForced, knownHosts, runningVersions } from './fleet-view.ts'
import { factsOf } from './gather-facts.ts'
import { roleOf } from './host-role.ts'
import type { RolloutFile } from './rollout-file.ts'
import type { RolloutKeys } from './rollout-keys.ts'
import { decideStep, type Obstacle } from './step-decision.ts'

/** A host runs the version, is at work on it, away to reboot, has failed, is dead for Consul, or waits. */
export const HOST_STATES = ['done', 'upgrading', 'rebooting', 'failed', 'dead', 'waiting'] as const

/** What a host waits for; `turn` means nothing but its next step. */
export const WAITS = [
  'pause',
  'limit',
  'failures',
  'window',
  'first',
  'dependencies',
  'soak',
  'others',
  'gates',
  'slot',
  'turn',
] as const satisfies (Obstacle | 'gates' | 'slot' | 'turn')[]

export interface HostStatus {
  readonly host: string
  readonly role: string
  /** What it has recorded last. */
  readonly version: string | undefined
  readonly state: (typeof HOST_STATES)[number]
  readonly waitsFor: (typeof WAITS)[number] | undefined
  /** Why it waits, or what failed. */
  readonly why: string | undefined
  /** How long it has been at work, in milliseconds. */
  readonly forMs: number | undefined
}

/** How far a rollout is. */
export interface FleetStatus {
  /** The version that all hosts shall run. */
  readonly version: string | undefined
  readonly forced: boolean
  readonly slots: readonly FleetSlots[]
  /** Every host that ever recorded something, by name. */
  readonly hosts: readonly HostStatus[]
}

/**
 * How far a rollout is, by what hosts have recorded; why each waits by the rules of this file, which should be that of
 * all hosts.
 */
export function fleetStatus(file: RolloutFile, keys: RolloutKeys, fleet: FleetView, gates: FleetGates): FleetStatus {
  const { target, records, nowMs } = fleet
  const versions = runningVersions(fleet)
  const dead = deadHosts(fleet)
  const slots = fleetSlots(file, keys, fleet)
  const [clusterSlots] = slots
  const hosts = knownHosts(fleet).map((host): HostStatus => {
    const role = roleOf(file, host)
    const version = versions.get(host)
    const begun = records.inProgress.get(host)
    const about = { host, role, version, forMs: undefined, why: undefined, waitsFor: undefined }
    const failure = records.failed.find((failed) => failed.host === host)
    // Who has only its host's own slot looks for the others, or died while it did.
    const isAtWork = records.upgrading.has(host) && (begun !== undefined || clusterSlots?.takenBy.includes(host))
    if (isAtWork) return { ...about, state: 'upgrading', forMs: sinceMs(begun?.sinceMs, nowMs) }
    if (failure) return { ...about, state: 'failed', why: failure.why }
    if (begun) return { ...about, state: 'rebooting', forMs: sinceMs(begun.sinceMs, nowMs) }
    if (dead.has(host)) return { ...about, state: 'dead', why: version === undefined ? undefined : `it ran ${version}` }
    const decision = decideStep(factsOf(file, fleet, { host, role, local: version ?? '', interrupted: '' }))
    if (decision.kind === 'wait') return { ...about, state: 'waiting', waitsFor: decision.for, why: decision.why }
    if (decision.kind === 'upgrade') return { ...about, state: 'waiting', ...lastWait(gates, slots, host, role) }
    return { ...about, state: 'done' }
  })
  return { version: target?.version, forced: isForced(fleet), slots, hosts }
}

/** Whether all hosts run the version. */
export function isDone({ version, hosts }: FleetStatus): boolean {
  return version !== undefined && hosts.every(({ state }) => state === 'done')
}

/** Whether failures hold up all hosts that don't run the version: somebody has to mend something. */
export function isStopped({ hosts }: FleetStatus): boolean {
  const left = hosts.filter(({ state }) => state !== 'done')
  const isFailure = ({ state, waitsFor }: HostStatus) =>
    state === 'failed' || state === 'dead' || waitsFor === 'failures'
  const isBehind = ({ waitsFor }: HostStatus) => waitsFor === 'first' || waitsFor === 'dependencies'
  return left.some(isFailure) && left.every((host) => isFailure(host) || isBehind(host))
}

/** What a host waits for that may upgrade, in the order in which its step looks. */
function lastWait(
  { shut, onHosts }: FleetGates,
  slots: readonly FleetSlots[],
  host: string,
  role: string,
): Pick<HostStatus, 'waitsFor' | 'why'> {
  if (shut !== '') return { waitsFor: 'gates', why: `waiting for ${shut}` }
  const noSlot = whyNoSlot(slots, host, role)
  if (noSlot !== undefined) return { waitsFor: 'slot', why: noSlot }
  const ifOpen = onHosts.length === 0 ? '' : `, if these are open for it: ${onHosts.join(', ')}`
  return { waitsFor: 'turn', why: `its turn${ifOpen}` }
}

function sinceMs(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs === undefined ? undefined : Math.max(0, nowMs - atMs)
}
