import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { livingIn, type SemaphorePlace, viewOf, writing } from './semaphore-view.ts'

/** How the slots of a name are used. */
export interface SlotsInUse {
  readonly limit: number
  /** Those of the holders that live, in the order in which they came. */
  readonly living: readonly Entry[]
  /** How many are closed, for their holders were cut off. */
  readonly closed: number
  readonly waiting: number
}

/** Settles with how the slots are used; `undefined` when nobody has one, so that there is no limit. */
export async function slotsInUse(ctx: Context, consul: Consul, place: SemaphorePlace): Promise<SlotsInUse | undefined> {
  const { entry: list } = await readKey(ctx, consul, place.list, { consistent: true, rights: 'read' })
  const view = viewOf(place, list)
  if (view.limit === undefined || view.holders.length === 0) return undefined
  const living = await livingIn(ctx, consul, place, view)
  const queue = await readKeys(ctx, consul, `${place.list}=queue/`)
  return {
    limit: view.limit,
    living,
    closed: view.holders.length - living.length,
    waiting: queue.filter(({ session }) => session !== undefined).length,
  }
}

/** So often somebody else may be faster. */
const TRIES = 100

/**
 * Changes how many slots there are, for those who are in and those who wait. Settles with how many are in; `undefined`
 * when nobody is, and so nothing was changed.
 */
export async function changeLimit(
  ctx: Context,
  consul: Consul,
  place: SemaphorePlace,
  limit: number,
): Promise<number | undefined> {
  for (let time = 0; time < TRIES; time++) {
    const { entry: list } = await readKey(ctx, consul, place.list)
    const { limit: before, holders } = viewOf(place, list)
    if (before === undefined || holders.length === 0) return undefined
    if (before === limit) return holders.length
    // It is a semaphore's, so no session is asked for.
    const ops = writing(place.list, list, place.form.encode({ limit, holders }), '')
    if ((await transact(ctx, consul, ops)).done) return holders.length
  }
  throw new Failure('conflict', `${place.list} changes faster than it can be written`)
}
