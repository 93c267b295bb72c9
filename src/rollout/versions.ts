import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey, watchKeys } from '../consul/kv.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** Versions, each with the hosts that run it, both sorted. */
export type Running = ReadonlyMap<string, readonly string[]>

/** The version that all hosts shall run; `undefined` when none was triggered yet. */
export async function currentVersion(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<string | undefined> {
  const { entry } = await readKey(ctx, consul, keys.current, { consistent: true })
  return entry?.value.trim() || undefined
}

/** Has all hosts upgrade to a version. */
export async function triggerVersion(ctx: Context, consul: Consul, keys: RolloutKeys, version: string): Promise<void> {
  await transact(ctx, consul, [{ verb: 'set', key: keys.current, value: version }])
}

/** Who runs what, as the hosts have recorded it. */
export async function runningVersions(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<Running> {
  const { entries } = await watchKeys(ctx, consul, keys.running, { consistent: true })
  const found = new Map<string, string[]>()
  for (const { key } of entries) {
    const [version, host, ...rest] = key.slice(keys.running.length).split('/')
    if (!version || !host || rest.length > 0) continue
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
