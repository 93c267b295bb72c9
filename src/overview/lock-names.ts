import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { isSessionId } from '../consul/fields.ts'
import { readKeyNames } from '../consul/key-names.ts'
import { KEY_PREFIX, keyOfName, SLOTS_LIST } from '../lock/lock-keys.ts'
import { applicationOf, LEADERS_PREFIX } from './leaders.ts'

/**
 * The names that begin so under which something is locked, or was. Of names alone no more can be known. Rejects with a
 * `Failure`.
 */
export async function lockNames(ctx: Context, consul: Consul, beginning: string): Promise<string[]> {
  // What stands beside a lock's key has an equals sign before its own name: queues, histories.
  const keys = await readKeyNames(ctx, consul, KEY_PREFIX + beginning, '=')
  return distinct(keys.map((key) => nameOf(key.slice(KEY_PREFIX.length)))).filter(isName)
}

/** The applications with a leader whose names begin so. Rejects with a `Failure`. */
export async function leaderNames(ctx: Context, consul: Consul, beginning: string): Promise<string[]> {
  const keys = await readKeyNames(ctx, consul, LEADERS_PREFIX + beginning, '=')
  return distinct(keys.flatMap((key) => applicationOf(key) ?? [])).filter(isName)
}

/** Of a lock, of what stands beside it, of a list of slots, and of one slot's holder. */
function nameOf(below: string): string {
  const stem = below.replace(/=$/, '')
  const slash = stem.lastIndexOf('/')
  const isPlace = stem.endsWith(SLOTS_LIST) || isSessionId(stem.slice(slash + 1))
  return slash > 0 && isPlace ? stem.slice(0, slash) : stem
}

/** Others may have written keys that no lock of ours has. */
function isName(name: string): boolean {
  try {
    keyOfName(name)
    return true
  } catch {
    return false
  }
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}
