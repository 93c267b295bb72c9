import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { type SemaphorePlace, viewOf, writing } from './semaphore-view.ts'

/** So often somebody else may be faster. */
const TRIES = 100

/**
 * Changes how many slots there are, for those who are in and those who wait. Settles with how many are in; `undefined`
 * when nobody is, and so nothing was changed.
 */
export async function changeSlotLimit(
  ctx: Context,
  consul: Consul,
  place: SemaphorePlace,
  limit: number,
): Promise<number | undefined> {
  for (let time = 0; time < TRIES; time++) {
    const { entry: list } = await readKey(ctx, consul, place.list)
    const { limit: before, holders } = viewOf(place, list)
    if (holders.length === 0) return undefined
    if (before === limit) return holders.length
    // It is a semaphore's, so no session is asked for.
    const ops = writing(place.list, list, place.form.encode({ limit, holders }), '')
    if ((await transact(ctx, consul, ops)).done) return holders.length
  }
  throw new Failure('conflict', `${place.list} changes faster than it can be written`)
}
