import type { Context } from '../base/context.ts'
import { quoted } from '../base/excerpt.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey, watchKeys } from '../consul/kv.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { faultOf, type RolloutKeys } from './rollout-keys.ts'

/** Versions, each with the hosts that run it, both sorted. */
export type Running = ReadonlyMap<string, readonly string[]>

/**
 * The version that all hosts shall run; `undefined` when none was triggered yet. Anybody may write the key: rejects with
 * a `declined` failure when what stands there is no version for `trigger`.
 */
export async function currentVersion(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<string | undefined> {
  const { entry } = await readKey(ctx, consul, keys.current, { consistent: true })
  const version = entry?.value.trim() || undefined
  const fault = version === undefined ? undefined : faultOf(version)
  if (fault === undefined) return version
  throw new Failure('declined', `what was triggered is no version: ${quoted(version ?? '')} ${fault}`, {
    hint: `it stands at the key ${keys.current}; trigger a version anew`,
  })
}

/** Has all hosts upgrade to a version. */
export async function triggerVersion(ctx: Context, consul: Consul, keys: RolloutKeys, version: string): Promise<void> {
  await transact(ctx, consul, [{ verb: 'set', key: keys.current, value: version }])
}

/** Who runs what, as the hosts have recorded it; records of anything else are left out. */
export async function runningVersions(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<Running> {
  const { entries } = await watchKeys(ctx, consul, keys.running, { consistent: true })
  const found = new Map<string, string[]>()
  for (const { key } of entries) {
    const [version, host, ...rest] = key.slice(keys.running.length).split('/')
    if (!version || !host || rest.length > 0 || faultOf(version) || faultOf(host)) continue
    found.set(version, [...(found.get(version) ?? []), host])
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** The versions that a host has recorded, more than one only when somebody else wrote them. */
function versionsOf(running: Running, host: string): string[] {
  return [...running].filter(([, hosts]) => hosts.includes(host)).map(([version]) => version)
}

/**
 * The steps that record what a host runs, with the time in seconds, and forget what it ran before and that it failed.
 * None when that is what stands there already.
 */
export function recordSteps(
  keys: RolloutKeys,
  running: Running,
  about: { readonly host: string; readonly version: string; readonly nowMs: number; readonly hasFailed: boolean },
): KvStep[] {
  const { host, version, nowMs, hasFailed } = about
  const recorded = versionsOf(running, host)
  const key = keys.runningOf(version, host)
  const others = recorded.filter((other) => other !== version)
  return [
    ...(recorded.includes(version) ? [] : [{ verb: 'set', key, value: (nowMs / 1000).toFixed(2) } as const]),
    ...others.map((other) => ({ verb: 'delete', key: keys.runningOf(other, host) }) as const),
    ...(hasFailed ? [{ verb: 'delete', key: keys.failedOn(host) } as const] : []),
  ]
}
