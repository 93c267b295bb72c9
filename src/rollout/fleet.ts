import { decide } from './decision.ts'
import { factsOf, isForced, type Sight } from './facts.ts'
import type { RolloutFile } from './rollout-file.ts'
import { roleOf } from './rollout-keys.ts'

/** Where a host stands: it runs the version, is at work on it, away to reboot, has failed, or waits. */
export const STANDS = ['done', 'upgrading', 'rebooting', 'failed', 'waiting'] as const

export interface HostStatus {
  readonly host: string
  readonly role: string
  /** What it has recorded last. */
  readonly version: string | undefined
  readonly stand: (typeof STANDS)[number]
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
  /** Every host that ever recorded something, by name. */
  readonly hosts: readonly HostStatus[]
}

/**
 * How far a rollout is, by what hosts have recorded; why each waits by the rules of this file, which should be that of
 * all hosts. `nowMs` is in milliseconds since 1970.
 */
export function fleetStatus(file: RolloutFile, sight: Sight, nowMs: number): FleetStatus {
  const { target, running, ledger } = sight
  const versions = new Map(running.map(({ host, version }) => [host, version]))
  const names = new Set([...versions.keys(), ...ledger.inProgress.keys(), ...ledger.failed.map(({ host }) => host)])
  const hosts = [...names].sort().map((host): HostStatus => {
    const role = roleOf(host)
    const version = versions.get(host)
    const begun = ledger.inProgress.get(host)
    const about = { host, role, version, forMs: undefined, why: undefined }
    const failure = ledger.failed.find((failed) => failed.host === host)
    if (ledger.atWork.has(host)) return { ...about, stand: 'upgrading', forMs: sinceMs(begun?.sinceMs, nowMs) }
    if (failure) return { ...about, stand: 'failed', why: failure.why }
    if (begun) return { ...about, stand: 'rebooting', forMs: sinceMs(begun.sinceMs, nowMs) }
    const decision = decide(factsOf(file, sight, { host, role, local: version ?? '', interrupted: '' }))
    if (decision.kind === 'wait') return { ...about, stand: 'waiting', why: decision.why }
    return decision.kind === 'upgrade' ? { ...about, stand: 'waiting', why: 'its turn' } : { ...about, stand: 'done' }
  })
  return { version: target?.version, forced: isForced(sight), hosts }
}

function sinceMs(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs === undefined ? undefined : Math.max(0, nowMs - atMs)
}
