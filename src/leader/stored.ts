import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'

/** So often another writer may be faster than we. */
const TRIES = 10

/** The object in a key's value; an empty one for a value that is none, or no key. */
export function parseStored<T extends object>(entry: Entry | undefined): Partial<T> {
  try {
    const value: unknown = JSON.parse(entry?.value ?? '{}')
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Partial<T>
  } catch {
    // Somebody wrote it by hand.
  }
  return {}
}

/**
 * Changes the object in a key's value by check-and-set, and settles with what it is then. `change` gives `undefined` to
 * leave it as it is; it may be called again when somebody else was faster. A key whose object has become empty is
 * deleted.
 */
export async function changeStored<T extends object>(
  ctx: Context,
  consul: Consul,
  key: string,
  change: (before: Partial<T>) => Partial<T> | undefined,
): Promise<Partial<T>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    const before = parseStored<T>(entry)
    const after = change(before)
    if (after === undefined) return before
    const isEmpty = Object.values(after).every((value) => value === undefined)
    if (isEmpty && entry === undefined) return after
    const index = entry?.modifyIndex ?? 0
    const outcome = await transact(ctx, consul, [
      isEmpty ? { verb: 'delete-cas', key, index } : { verb: 'cas', key, value: JSON.stringify(after), index },
    ])
    if (outcome.done) return after
  }
  throw new Failure('unavailable', `the key ${key} changes too fast to be changed`)
}
