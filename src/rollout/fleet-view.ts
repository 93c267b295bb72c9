import type { Context } from '../base/context.ts'
import { failingChecks, type NodeCheck } from '../consul/node-checks.ts'
import { isFailingCheck } from './failures.ts'
import { type FleetRecords, readFleetRecords } from './fleet-records.ts'
import { hostsOnNode } from './host-nodes.ts'
import type { HostRollout } from './host-rollout.ts'
import { type PauseSwitches, readPauseSwitches } from './pauses.ts'
import { type RunningRecord, readTargetVersion, runningRecords, type TargetVersion } from './versions.ts'

/** What is recorded of a whole fleet, at one moment. */
export interface FleetView {
  /** The moment, in milliseconds since 1970 by this host's clock. */
  readonly nowMs: number
  readonly target: TargetVersion | undefined
  readonly running: readonly RunningRecord[]
  readonly switches: PauseSwitches
  readonly records: FleetRecords
  readonly failing: readonly NodeCheck[]
}

/** Looks at a fleet. Rejects with a `Failure`. */
export async function readFleet(
  ctx: Context,
  { consul, keys, file }: Pick<HostRollout, 'consul' | 'keys' | 'file'>,
): Promise<FleetView> {
  const [target, running, switches, records, checks] = await Promise.all([
    readTargetVersion(ctx, consul, keys),
    runningRecords(ctx, consul, keys),
    readPauseSwitches(ctx, consul, keys),
    readFleetRecords(ctx, consul, keys),
    failingChecks(ctx, consul),
  ])
  const failing = checks.filter((check) => isFailingCheck(check, file.checks))
  return { nowMs: ctx.clock.now().wallMs, target, running, switches, records, failing }
}

/** What follows from a look alone is found out once: of ten thousand hosts each is asked about. */
function once<T>(find: (fleet: FleetView) => T): (fleet: FleetView) => T {
  const found = new WeakMap<FleetView, { readonly value: T }>()
  return (fleet) => {
    const known = found.get(fleet) ?? { value: find(fleet) }
    found.set(fleet, known)
    return known.value
  }
}

/** Every host that ever recorded something, by name. */
export const knownHosts = once(({ running, records }): readonly string[] => {
  const named = [...running, ...records.failed].map(({ host }) => host)
  return [...new Set([...named, ...records.inProgress.keys()])].sort()
})

/** Which version each host runs. */
export const runningVersions = once(
  ({ running }): ReadonlyMap<string, string> => new Map(running.map(({ host, version }) => [host, version])),
)

/** What was recorded of the version since it was triggered, the newest first. */
export const upgradesNewestFirst = once(({ target, running }): readonly RunningRecord[] =>
  running
    .filter(({ version, index }) => target !== undefined && version === target.version && index >= target.index)
    .sort((one, other) => (other.atMs ?? 0) - (one.atMs ?? 0)),
)

/** The hosts that ran the version before it was triggered, and have not begun to upgrade to it since. */
export const unchangedHosts = once(({ target, running, records }): ReadonlySet<string> => {
  if (target === undefined) return new Set()
  const { version, index } = target
  const before = running.filter((record) => record.version === version && record.index < index)
  const isBegun = (host: string) => {
    const one = records.inProgress.get(host)
    return one !== undefined && (one.version ?? version) === version
  }
  return new Set(before.map(({ host }) => host).filter((host) => !isBegun(host)))
})

/** Who triggers the same version anew without force takes the force away; other tools don't know of it. */
export function isForced({ target, records: { forced } }: FleetView): boolean {
  return target !== undefined && forced?.version === target.version && forced.index >= target.index
}

/** The hosts whose machine Consul holds for dead. */
export const deadHosts = once(({ failing, records }): ReadonlySet<string> => {
  const dead = failing.filter(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'critical')
  return new Set(dead.flatMap(({ Node }) => hostsOnNode(records.nodes, Node)))
})
