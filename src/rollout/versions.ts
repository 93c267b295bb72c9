import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { oneLine, quoted } from '../base/printable.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey, watchKeys } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { keyWordFault, type RolloutKeys } from './rollout-keys.ts'

/** Versions, each with the hosts that run it, both sorted. */
export type HostsByVersion = ReadonlyMap<string, readonly string[]>

/** The version that all hosts shall run. */
export interface TargetVersion {
  readonly version: string
  /** The raft index at which it was triggered. */
  readonly index: number
}

/**
 * The version that all hosts shall run; `undefined` when none was triggered yet. Anybody may write the key: rejects
 * with a `malformed` failure when what stands there is no version for `trigger`.
 */
export async function readTargetVersion(
  ctx: Context,
  consul: Consul,
  keys: RolloutKeys,
): Promise<TargetVersion | undefined> {
  const { entry } = await readKey(ctx, consul, keys.current, { consistent: true })
  const version = entry?.value.trim() ?? ''
  if (entry === undefined || version === '') return undefined
  const fault = keyWordFault(version)
  if (fault === undefined) return { version, index: entry.modifyIndex }
  throw new Failure('malformed', `what was triggered is no version: ${quoted(version)} ${fault}`, {
    hint: `it stands at the key ${keys.current}; trigger a version anew`,
  })
}

/** Its name alone. Rejects as `readTargetVersion` does. */
export async function currentVersion(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<string | undefined> {
  return (await readTargetVersion(ctx, consul, keys))?.version
}

/**
 * Has all hosts upgrade to a version. By force, what has failed keeps nobody from it. Rejects with a `Failure`.
 */
export async function triggerVersion(
  ctx: Context,
  consul: Consul,
  keys: RolloutKeys,
  version: string,
  isForced: boolean,
): Promise<void> {
  const { forced } = keys
  await transact(ctx, consul, [
    { verb: 'set', key: keys.current, value: version },
    isForced ? { verb: 'set', key: forced, value: version } : { verb: 'delete', key: forced },
  ])
}

/** That a host runs a version, as it has recorded it. */
export interface RunningRecord {
  readonly version: string
  readonly host: string
  /** The raft index of the end of the upgrade to it. */
  readonly index: number
  /** When that was, in milliseconds since 1970 by the host's clock. `undefined`: nobody knows. */
  readonly atMs: number | undefined
}

/** Who runs what. Rejects with a `malformed` failure when something else is recorded there. */
export async function runningRecords(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<RunningRecord[]> {
  const { entries } = await watchKeys(ctx, consul, keys.running, { consistent: true })
  return entries
    .filter(({ key }) => !key.endsWith('/'))
    .map(({ key, value, modifyIndex }) => {
      const [version = '', host = '', ...rest] = key.slice(keys.running.length).split('/')
      if (rest.length === 0 && !keyWordFault(version) && !keyWordFault(host))
        return { version, host, index: modifyIndex, atMs: instant(value) }
      throw new Failure('malformed', `what is recorded at the key ${oneLine(key, 300)} is no version of a host`, {
        hint: `below ${keys.running} is <version>/<host>; delete the key, or have its host record another version`,
      })
    })
}

/** Who runs what, by versions. Rejects as `runningRecords` does. */
export async function hostsByVersion(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<HostsByVersion> {
  const groups = Map.groupBy(await runningRecords(ctx, consul, keys), ({ version }) => version)
  const hosts = [...groups].map(([version, records]) => [version, records.map(({ host }) => host)] as const)
  return new Map(hosts.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** The step that records that a host runs a version, with the time in seconds. */
export function runningStep(keys: RolloutKeys, host: string, version: string, nowMs: number): TxnOp {
  return { verb: 'set', key: keys.runningOf(version, host), value: (nowMs / 1000).toFixed(2) }
}

/** Records, outside of any upgrade, that a host runs a version and no other. Rejects with a `Failure`. */
export async function recordVersion(
  ctx: Context,
  consul: Consul,
  keys: RolloutKeys,
  { host, version }: { readonly host: string; readonly version: string },
): Promise<void> {
  const others = (await runningRecords(ctx, consul, keys)).filter((one) => one.host === host && one.version !== version)
  await transact(ctx, consul, [
    runningStep(keys, host, version, ctx.clock.now().wallMs),
    ...others.map((one) => ({ verb: 'delete', key: keys.runningOf(one.version, host) }) as const),
  ])
}

/** In the year 250,000: no date of JavaScript's is much later. */
const END_OF_DATES_MS = 8e15

/** What `runningStep` writes; anybody else may have written anything. */
function instant(value: string): number | undefined {
  const ms = Number(value) * 1000
  return value.trim() !== '' && ms >= 0 && ms < END_OF_DATES_MS ? ms : undefined
}
