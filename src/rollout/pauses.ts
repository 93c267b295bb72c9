import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { watchKeys } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** What somebody pauses or lets go on: everything, a role, or a host. */
export type PauseScope = { readonly kind: 'global' } | { readonly kind: 'role' | 'host'; readonly name: string }

/** The words that stand for scopes: for each whether it may go on. */
export type PauseSwitches = ReadonlyMap<string, boolean>

const KEY = 'enable_puppet'
/** Consul takes 64 steps in a transaction. */
const STEPS_AT_ONCE = 60

/** `global`, `role/web`, `host/web1`. */
export function scopePath(scope: PauseScope): string {
  return scope.kind === 'global' ? 'global' : `${scope.kind}/${scope.name}`
}

/** Reads all pauses. As for the original, a value with `rue` in it means yes, and every other one no. */
export async function readPauseSwitches(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<PauseSwitches> {
  const { entries } = await watchKeys(ctx, consul, keys.config, { consistent: true })
  const suffix = `/${KEY}`
  return new Map(
    entries
      .filter(({ key }) => key.endsWith(suffix))
      .map(({ key, value }) => [key.slice(keys.config.length, -suffix.length), value.includes('rue')] as const),
  )
}

/** What pauses a host, as `role/web`; `undefined` when nothing does. The most specific word counts. */
export function pausedBy(switches: PauseSwitches, host: string, role: string): string | undefined {
  const scopes = [scopePath({ kind: 'host', name: host }), scopePath({ kind: 'role', name: role }), 'global']
  const decisive = scopes.find((scope) => switches.has(scope))
  return decisive === undefined || switches.get(decisive) ? undefined : decisive
}

/**
 * Pauses a scope. A pause of everything drops what lets single roles and hosts go on, so that it really stops all; it
 * settles with what it dropped.
 */
export async function pause(ctx: Context, consul: Consul, keys: RolloutKeys, scope: PauseScope): Promise<string[]> {
  const set: TxnOp = { verb: 'set', key: keyOf(keys, scopePath(scope)), value: 'False' }
  if (scope.kind !== 'global') {
    await transact(ctx, consul, [set])
    return []
  }
  // First: nobody begins while the exceptions are dropped.
  await transact(ctx, consul, [set])
  const switches = await readPauseSwitches(ctx, consul, keys)
  const exceptions = [...switches].filter(([, goesOn]) => goesOn).map(([path]) => path)
  for (let n = 0; n < exceptions.length; n += STEPS_AT_ONCE) {
    const some = exceptions.slice(n, n + STEPS_AT_ONCE)
    await transact(
      ctx,
      consul,
      some.map((path) => ({ verb: 'delete', key: keyOf(keys, path) })),
    )
  }
  return exceptions
}

/** Lets a scope go on, whatever is said of a wider one; settles with narrower pauses that stay. */
export async function resume(ctx: Context, consul: Consul, keys: RolloutKeys, scope: PauseScope): Promise<string[]> {
  await transact(ctx, consul, [{ verb: 'set', key: keyOf(keys, scopePath(scope)), value: 'True' }])
  const switches = await readPauseSwitches(ctx, consul, keys)
  const isNarrower = NARROWER[scope.kind]
  return [...switches].filter(([path, goesOn]) => !goesOn && isNarrower(path)).map(([path]) => path)
}

const NARROWER: Record<PauseScope['kind'], (path: string) => boolean> = {
  global: (path) => path !== 'global',
  role: (path) => path.startsWith('host/'),
  host: () => false,
}

function keyOf(keys: RolloutKeys, path: string): string {
  return `${keys.config}${path}/${KEY}`
}
