import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { prefixIndex } from '../consul/prefix-index.ts'
import type { Retry } from '../consul/retry.ts'
import { type FleetRecords, readFleetRecords } from '../rollout/fleet-records.ts'
import { roleInName } from '../rollout/host-role.ts'
import { pausedBy, readPauseSwitches } from '../rollout/pauses.ts'
import { RolloutKeys } from '../rollout/rollout-keys.ts'
import { type RunningRecord, readTargetVersion, runningRecords } from '../rollout/versions.ts'
import { watchReading } from './watch-reading.ts'

/** A host of a rollout, as far as it has recorded something. */
export interface RolloutHostView {
  readonly host: string
  /** What it has recorded last. */
  readonly version?: string
  readonly state: 'done' | 'upgrading' | 'rebooting' | 'failed' | 'waiting'
  /** Since when it is at work, in milliseconds since 1970. */
  readonly sinceMs?: number
  /** What failed. */
  readonly why?: string
  /** What pauses it, as `role/web`; of roles those count that names tell. */
  readonly pausedBy?: string
}

/** How far a rollout is, by what hosts have recorded: its file isn't needed, and its limits aren't known. */
export interface RolloutView {
  /** The folder of its keys, unless it has none. */
  readonly prefix?: string
  readonly version: string
  readonly isForced: boolean
  readonly hosts: readonly RolloutHostView[]
  /** What is paused: `global`, `role/web`, `host/web1`. */
  readonly pauses: readonly string[]
  /** What stands there and can't be read. */
  readonly trouble?: string
}

/**
 * Calls `receive` with the rollout whose keys have this prefix, or none, at once and at each change; with `undefined`
 * where no version was triggered, or the token may not see it. Settles and rejects as `watchReading`, and throws a
 * `usage` failure for a prefix that is none.
 */
export function watchRollout(
  ctx: Context,
  consul: Consul,
  prefix: string,
  receive: (view: RolloutView | undefined) => void,
  retry: Retry,
): Promise<never> {
  const keys = new RolloutKeys(prefix)
  const named = (view: RolloutView | undefined) => receive(view && prefix !== '' ? { ...view, prefix } : view)
  const prefixes = [keys.current, keys.running, keys.config, keys.own]
  return watchReading(
    ctx,
    retry,
    prefixes.map((prefix) => (ctx, options) => prefixIndex(ctx, consul, prefix, options)),
    (ctx) => readRollout(ctx, consul, keys),
    named,
  )
}

async function readRollout(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<RolloutView | undefined> {
  try {
    const [target, running, switches, records] = await Promise.all([
      readTargetVersion(ctx, consul, keys),
      runningRecords(ctx, consul, keys),
      readPauseSwitches(ctx, consul, keys),
      readFleetRecords(ctx, consul, keys),
    ])
    if (!target) return undefined
    const { version, index } = target
    const { forced } = records
    return {
      version,
      isForced: forced?.version === version && forced.index >= index,
      hosts: hostsIn(version, running, records).map((host) => {
        const by = pausedBy(switches, host.host, roleInName(host.host))
        return by === undefined ? host : { ...host, pausedBy: by }
      }),
      pauses: [...switches].filter(([, goesOn]) => !goesOn).map(([path]) => path),
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    if (thrown.code === 'refused') return undefined
    if (thrown.code !== 'malformed') throw thrown
    return { version: 'unknown', isForced: false, hosts: [], pauses: [], trouble: thrown.message }
  }
}

function hostsIn(version: string, running: readonly RunningRecord[], records: FleetRecords): RolloutHostView[] {
  const versions = new Map(running.map((record) => [record.host, record.version]))
  const failures = new Map(records.failed.map(({ host, why }) => [host, why]))
  const names = [...new Set([...versions.keys(), ...failures.keys(), ...records.inProgress.keys()])].sort()
  return names.map((host): RolloutHostView => {
    const runs = versions.get(host)
    const about = { host, ...(runs !== undefined && { version: runs }) }
    const begun = records.inProgress.get(host)
    const since = begun?.sinceMs === undefined ? {} : { sinceMs: begun.sinceMs }
    if (records.upgrading.has(host)) return { ...about, state: 'upgrading', ...since }
    const why = failures.get(host)
    if (why !== undefined) return { ...about, state: 'failed', why }
    if (begun) return { ...about, state: 'rebooting', ...since }
    return { ...about, state: runs === version ? 'done' : 'waiting' }
  })
}
