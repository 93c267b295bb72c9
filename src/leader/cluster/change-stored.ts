import type * as v from 'valibot'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import type { Consul } from '../../consul/consul.ts'
import { storedAs } from '../../consul/stored-value.ts'

/**
 * Changes the object in a key's value by check-and-set, and settles with what it is then. `change` gives `undefined` to
 * leave it as it is; it may be called again when somebody else was faster. A key whose object has become empty is
 * deleted. Rejects with a `malformed` failure when something else stands there, which is not written over.
 */
export async function changeStored<T extends object>(
  ctx: Context,
  consul: Consul,
  key: string,
  shape: v.GenericSchema<unknown, T>,
  change: (before: T) => T | undefined,
): Promise<T> {
  let now: T | undefined
  await compareAndSet(ctx, consul, key, (entry) => {
    const before = storedAs(shape, entry?.value ?? '{}')
    if (before === undefined) throw notOurs(key)
    const after = change(before)
    now = after ?? before
    if (after === undefined) return 'keep'
    const isEmpty = Object.values(after).every((value) => value === undefined)
    return isEmpty ? 'delete' : { value: JSON.stringify(after) }
  })
  return now as T
}

function notOurs(key: string): Failure {
  return new Failure('malformed', `the key ${key} holds nothing of an agent's`, {
    hint: `look at it, and when nobody needs it: consul kv delete ${key}`,
  })
}
