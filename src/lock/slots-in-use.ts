import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { livingIn, type SemaphorePlace, viewOf } from './semaphore-view.ts'

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
