import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import type { Entry } from '../../../consul/kv.ts'
import { SLOTS_LIST } from '../../../lock/lock-keys.ts'
import { readersPlace } from '../../../lock/readers.ts'
import { livingIn, viewOf } from '../../../lock/semaphore-view.ts'
import { slotsPlace } from '../../../lock/slots.ts'
import { slotsInUse } from '../../../lock/slots-in-use.ts'
import { standingOf } from '../../../overview/standing.ts'

/** Those who have a name at a time, where several may. */
export interface SeveralHolders {
  /** How many slots there are; `undefined` for readers. */
  readonly slots: number | undefined
  readonly living: readonly Entry[]
  /** Those who were cut off, and whose places are closed. */
  readonly closed: number
  /** Who waits for a slot; who waits for readers stands in the lock's own line. */
  readonly waiting: number
}

/**
 * Who has slots of a name, or reads beside others; `undefined` where that is not so, or nobody is in. `unseen` when
 * there are slots that the token may not see. `entry` is what stands at the lock's key: nothing beside the slots of
 * `consul lock -n`.
 */
export async function severalHolders(
  ctx: Context,
  consul: Consul,
  key: string,
  entry: Entry | undefined,
): Promise<SeveralHolders | 'unseen' | undefined> {
  const standing = entry && standingOf(entry)
  if (entry && standing === 'readers') {
    const place = readersPlace(key)
    const view = viewOf(place, entry)
    const living = await livingIn(ctx, consul, place, view)
    const closed = view.holders.length - living.length
    return view.holders.length === 0 ? undefined : { slots: undefined, living, closed, waiting: 0 }
  }
  if (standing !== undefined && standing !== 'slots') return undefined
  try {
    const inUse = await slotsInUse(ctx, consul, slotsPlace(key.endsWith(SLOTS_LIST) ? key : `${key}${SLOTS_LIST}`))
    return inUse && { ...inUse, slots: inUse.limit }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    if (!entry && ['refused', 'usage'].includes(thrown.code)) return undefined
    if (thrown.code === 'refused') return 'unseen'
    throw thrown
  }
}
