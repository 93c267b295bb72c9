import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import { type ClaimResult, claim, claimUnder, type LockRequest } from './claim.ts'
import type { AmongHolders, Claimable, LockReading, LookFrom } from './compound-lock.ts'
import { probesOf, READERS_FORM, someOf } from './holder-list.ts'
import { checkIsLock, LOCK_FLAGS, SEMAPHORE_FLAGS, slotsKey } from './lock-keys.ts'
import { readersPlace } from './readers.ts'
import {
  clearing,
  contenderKey,
  isMarker,
  livingIn,
  type SemaphorePlace,
  type SemaphoreView,
  viewOf,
  writing,
} from './semaphore-view.ts'
import { slotsPlace } from './slots.ts'

/**
 * How a lock's contender goes on who has met this at its key: a list of readers, or the marker of slots that have the
 * lock's name. `undefined` when it is neither.
 */
export const writerAmong: AmongHolders = async (consul, met, ancestors) => writerAt(consul, met, ancestors)

/** The same, at once. */
export function writerAt(consul: Consul, met: Entry, ancestors: readonly string[]): Writer | undefined {
  const { key, value } = met
  if (READERS_FORM.parse(value)) return new Writer(consul, key, readersPlace(key), ancestors)
  const list = slotsKey(key, false)
  return isMarker(slotsPlace(list, key), met) ? new Writer(consul, key, slotsPlace(list), ancestors) : undefined
}

interface Seen extends SemaphoreView {
  readonly living: readonly Entry[]
}

/** What a claim of the lock does where only dead ones stand in a list. */
interface WriterClaim {
  /** The conditions under which all is as it was seen. */
  readonly unchanged: readonly TxnOp[]
  /** What must go well before places are given away, and the list without those; without the lock, both or none. */
  readonly probes: readonly TxnOp[]
  readonly fewer: readonly TxnOp[]
  /** Nobody is left after that. */
  readonly isLast: boolean
}

/**
 * Contends for a plain lock where others stand in a list: until all of them have gone, and the lock-delays of the dead
 * are over. Readers are waited for; a name that living holders have slots of is no lock.
 */
export class Writer implements Claimable {
  readonly #consul: Consul
  readonly #key: string
  readonly #place: SemaphorePlace
  readonly #ancestors: readonly string[]
  /** What stands at the lock's key. */
  #met: Entry | undefined
  /** What it says of a list, unless it is a plain lock again. */
  #seen: Seen | undefined

  constructor(consul: Consul, key: string, place: SemaphorePlace, ancestors: readonly string[]) {
    this.#consul = consul
    this.#key = key
    this.#place = place
    this.#ancestors = ancestors
  }

  async look(ctx: Context, from: LookFrom): Promise<LockReading> {
    const { entry: met, index } = await readKey(ctx, this.#consul, this.#key, from)
    this.#met = met
    this.#seen = undefined
    if (met?.flags !== SEMAPHORE_FLAGS) return { entry: met, index }
    const { list: listKey } = this.#place
    const list = listKey === this.#key ? met : (await readKey(ctx, this.#consul, listKey)).entry
    const view = viewOf(this.#place, list)
    const living = await livingIn(ctx, this.#consul, this.#place, view)
    if (living.length > 0 && list !== met) checkIsLock(met)
    this.#seen = { ...view, living }
    // A run around us is in the way for ever.
    const around = living.find(({ session = '' }) => this.#ancestors.includes(session))
    const blocker = around ?? living[0]
    return { entry: blocker && { ...blocker, others: living.length - 1 }, index }
  }

  async claim(
    ctx: Context,
    request: LockRequest,
    isOurs: boolean,
    queueing: readonly TxnOp[],
    riding: readonly TxnOp[],
  ): Promise<ClaimResult> {
    if (isOurs || !this.#seen) {
      return claim(ctx, this.#consul, request, isOurs ? 'ours' : this.#met, queueing, riding)
    }
    const own = this.writerClaim(ctx, request.sessionId)
    if (!own) return { kind: 'taken' }
    const { unchanged, probes, fewer, isLast } = own
    if (!isLast) return clearing(ctx, this.#consul, [...fewer, ...probes])
    return claimUnder(ctx, this.#consul, request, LOCK_FLAGS, unchanged, [...probes, ...queueing], riding)
  }

  /** Whether a list was seen, or a plain lock. */
  get isAmongHolders(): boolean {
    return this.#seen !== undefined
  }

  /** How the lock is claimed past those who were seen, by this session; `undefined` while one of them lives. */
  writerClaim(ctx: Context, sessionId: string): WriterClaim | undefined {
    const [met, seen] = [this.#met, this.#seen]
    if (!met || !seen || seen.living.length > 0) return undefined
    const { list, limit = 1, holders } = seen
    const { list: listKey, form } = this.#place
    const removed = someOf(ctx, holders, holders.length)
    const left = holders.filter((id) => !removed.includes(id))
    const unchanged: TxnOp[] = [{ verb: 'check-index', key: met.key, index: met.modifyIndex }]
    if (listKey !== met.key) {
      unchanged.push(
        list
          ? { verb: 'delete-cas', key: listKey, index: list.modifyIndex }
          : { verb: 'check-not-exists', key: listKey },
      )
    }
    return {
      unchanged,
      probes: probesOf(removed, (id) => contenderKey(this.#place, id), sessionId),
      fewer: writing(listKey, list, form.encode({ limit, holders: left }), sessionId),
      isLast: left.length === 0,
    }
  }
}
