import type { Context } from '../base/context.ts'
import { oneLine, quoted } from '../base/excerpt.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey, watchKeys } from '../consul/kv.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { faultOf, type RolloutKeys } from './rollout-keys.ts'

/** Versions, each with the hosts that run it, both sorted. */
export type Running = ReadonlyMap<string, readonly string[]>

/** The version that all hosts shall run. */
export interface Target {
  readonly version: string
  /** The raft index at which it was triggered. */
  readonly index: number
}

/**
 * The version that all hosts shall run; `undefined` when none was triggered yet. Anybody may write the key: rejects with
 * a `declined` failure when what stands there is no version for `trigger`.
 */
export async function readTarget(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<Target | undefined> {
  const { entry } = await readKey(ctx, consul, keys.current, { consistent: true })
  const version = entry?.value.trim() ?? ''
  if (entry === undefined || version === '') return undefined
  const fault = faultOf(version)
  if (fault === undefined) return { version, index: entry.modifyIndex }
  throw new Failure('declined', `what was triggered is no version: ${quoted(version)} ${fault}`, {
    hint: `it stands at the key ${keys.current}; trigger a version anew`,
  })
}

/** Its name alone. Rejects as `readTarget` does. */
export async function currentVersion(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<string | undefined> {
  return (await readTarget(ctx, consul, keys))?.version
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
}

/** Who runs what. Rejects with a `declined` failure when something else is recorded there. */
export async function runningRecords(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<RunningRecord[]> {
  const { entries } = await watchKeys(ctx, consul, keys.running, { consistent: true })
  return entries
    .filter(({ key }) => !key.endsWith('/'))
    .map(({ key, modifyIndex }) => {
      const [version = '', host = '', ...rest] = key.slice(keys.running.length).split('/')
      if (rest.length === 0 && !faultOf(version) && !faultOf(host)) return { version, host, index: modifyIndex }
      throw new Failure('declined', `what is recorded at the key ${oneLine(key, 300)} is no version of a host`, {
        hint: `below ${keys.running} is <version>/<host>; delete the key, or have its host record another version`,
      })
    })
}

/** Who runs what, by versions. Rejects as `runningRecords` does. */
export async function runningVersions(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<Running> {
  const found = new Map<string, string[]>()
  for (const { version, host } of await runningRecords(ctx, consul, keys)) {
    found.set(version, [...(found.get(version) ?? []), host])
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** The step that records that a host runs a version, with the time in seconds. */
export function runningStep(keys: RolloutKeys, host: string, version: string, nowMs: number): KvStep {
  return { verb: 'set', key: keys.runningOf(version, host), value: (nowMs / 1000).toFixed(2) }
}
