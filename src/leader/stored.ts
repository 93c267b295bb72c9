import type * as v from 'valibot'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { storedAs } from '../consul/stored-value.ts'
import { transact } from '../consul/txn.ts'

/** So often another writer may be faster than we. */
const TRIES = 10

/**
 * Changes the object in a key's value by check-and-set, and settles with what it is then. `change` gives `undefined` to
 * leave it as it is; it may be called again when somebody else was faster. A key whose object has become empty is
 * deleted. Rejects with a `declined` failure when something else stands there, which is not written over.
 */
export async function changeStored<T extends object>(
  ctx: Context,
  consul: Consul,
  key: string,
  shape: v.GenericSchema<unknown, T>,
  change: (before: T) => T | undefined,
): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    const before = storedAs(shape, entry?.value ?? '{}')
    if (before === undefined) throw strange(key)
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

function strange(key: string): Failure {
  return new Failure('declined', `the key ${key} holds nothing of an agent's`, {
    hint: `look at it, and when nobody needs it: consul kv delete ${key}`,
  })
}
