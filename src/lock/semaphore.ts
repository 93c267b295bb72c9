import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import { type ClaimResult, claimUnder, type LockRequest, releaseWith } from './claim.ts'
import type { Blocker, CompoundLock, LockReading, LookFrom, RidingOf, WatchedKey } from './compound-lock.ts'
import { probesOf, someOf } from './holder-list.ts'
import { SEMAPHORE_FLAGS } from './lock-keys.ts'
import { Loss } from './loss.ts'
import {
  clearing,
  contenderKey,
  isMarker,
  livingIn,
  markerValue,
  readMarker,
  type SemaphorePlace,
  type SemaphoreView,
  viewOf,
  writing,
} from './semaphore-view.ts'

/** A semaphore, as a contender wants it. */
export interface SemaphoreSpec {
  /** For people. */
  readonly name: string
  readonly place: SemaphorePlace
  /** How many may be in: the contender's own word, until it has agreed with those who are. */
  limit: number
  hasAgreed?: true
}

/** A view, and who of the holders lives, as far as that matters. */
interface Seen extends SemaphoreView {
  readonly living: readonly Entry[]
}

/**
 * A place in a semaphore that is one key with a list of its holders, as `consul lock -n` has it: whoever is in stands
 * in the list, and holds a key of his own, which goes with his session. The place of a dead holder stays taken until
 * his lock-delay is over. All agree on the limit: another one is refused at first, and a change is followed later.
 */
export class Semaphore implements CompoundLock {
  readonly key: string
  readonly #consul: Consul
  readonly #sessionId: string
  readonly #ancestors: readonly string[]
  readonly #spec: SemaphoreSpec
  readonly #place: SemaphorePlace
  #seen: Seen | undefined

  constructor(consul: Consul, sessionId: string, ancestors: readonly string[], spec: SemaphoreSpec) {
    this.#consul = consul
    this.#sessionId = sessionId
    this.#ancestors = ancestors
    this.#spec = spec
    this.#place = spec.place
    this.key = contenderKey(spec.place, sessionId)
  }

  async look(ctx: Context, from: LookFrom): Promise<LockReading> {
    const reading = readKey(ctx, this.#consul, this.#place.list, from)
    if (from.index > 0) await reading
    const [{ entry: list, index }, marker] = await Promise.all([reading, readMarker(ctx, this.#consul, this.#place)])
    const view = viewOf(this.#place, list, marker)
    const { limit = this.#spec.limit, holders } = view
    const isIn = holders.includes(this.#sessionId)
    const isRoomFor = limit === this.#spec.limit && holders.length < limit && !isIn
    const living = isRoomFor ? [] : await livingIn(ctx, this.#consul, this.#place, view)
    if (isIn || living.length > 0) this.#agree(ctx, limit)
    if (view.limit === this.#spec.limit) this.#spec.hasAgreed = true
    this.#seen = { ...view, living }
    const isHeldAsLock = list?.session !== undefined
    const isShared = limit === Number.POSITIVE_INFINITY && holders.length > 0
    return { entry: isHeldAsLock ? list : this.#blocker(living), isShared, index }
  }

  async claim(
    ctx: Context,
    request: LockRequest,
    isOurs: boolean,
    queueing: readonly TxnOp[],
    riding: readonly TxnOp[],
  ): Promise<ClaimResult> {
    if (isOurs || !this.#seen) await this.look(ctx, { index: 0, waitMs: 0 })
    const { list, limit, holders, living } = this.#seen as Seen
    if (list && living.some(({ session }) => session === this.#sessionId)) {
      const condition: TxnOp = { verb: 'check-index', key: list.key, index: list.modifyIndex }
      return claimUnder(ctx, this.#consul, request, SEMAPHORE_FLAGS, [condition], queueing, riding)
    }
    const others = holders.filter((id) => id !== this.#sessionId)
    const dead = others.filter((id) => !living.some(({ session }) => session === id))
    // Whoever stands in the list has a place, however few there are by now.
    const isIn = others.length < holders.length
    // A limit that is none of ours is that of the dead, who all must go.
    const tooMany = isIn ? 0 : limit === this.#spec.limit ? others.length - limit + 1 : dead.length
    if (tooMany > dead.length) return { kind: 'taken' }
    const removed = someOf(ctx, dead, tooMany)
    const probes = probesOf(removed, (id) => contenderKey(this.#place, id), this.#sessionId)
    const left = others.filter((id) => !removed.includes(id))
    if (removed.length < tooMany) return clearing(ctx, this.#consul, [...this.#naming(left), ...probes])
    // What was ours before gets another fence.
    const anew: TxnOp[] = isOurs ? [{ verb: 'delete', key: this.key }] : []
    const writes = [...this.#naming([...left, this.#sessionId]), ...this.#marking(), ...anew]
    const got = await claimUnder(ctx, this.#consul, request, SEMAPHORE_FLAGS, writes, [...probes, ...queueing], riding)
    if (got.kind === 'held') this.#spec.hasAgreed = true
    return got
  }

  watched(fence: number): readonly WatchedKey[] {
    const { list: key, form } = this.#place
    const judge = (entry: Entry | undefined) => {
      if (entry === undefined) return 'deleted'
      const value = entry.flags === SEMAPHORE_FLAGS && !entry.session ? form.parse(entry.value) : undefined
      if (!value) return new Loss('key-taken', `somebody has written something else over ${key}`)
      return value.holders.includes(this.#sessionId) ? 'ours' : 'deleted'
    }
    return [{ key, fromIndex: fence, judge }]
  }

  async release(ctx: Context, ridingOf?: RidingOf): Promise<boolean> {
    const held = { key: this.key, sessionId: this.#sessionId }
    for (;;) {
      const { entry: list } = await readKey(ctx, this.#consul, this.#place.list)
      const leaving = await this.#leaving(ctx, list)
      // Read after the list: whoever writes it meanwhile changes the list as well, and then all is done anew.
      const riding = leaving.length > 0 ? await ridingOf?.(ctx) : undefined
      const got = await releaseWith(ctx, this.#consul, held, leaving, riding ?? [])
      if (got !== 'changed') return got
    }
  }

  /** Takes us out of the list; the last one takes all away. */
  async #leaving(ctx: Context, list: Entry | undefined): Promise<TxnOp[]> {
    const { form } = this.#place
    const value = list?.flags === SEMAPHORE_FLAGS ? form.parse(list.value) : undefined
    if (!list || !value?.holders.includes(this.#sessionId)) return []
    const { key, flags, modifyIndex: index } = list
    const holders = value.holders.filter((id) => id !== this.#sessionId)
    if (holders.length > 0) return [{ verb: 'cas', key, index, value: form.encode({ ...value, holders }), flags }]
    const marker = await readMarker(ctx, this.#consul, this.#place)
    const unmarking: TxnOp[] = isMarker(this.#place, marker)
      ? [{ verb: 'delete-cas', key: marker.key, index: marker.modifyIndex }]
      : []
    return [{ verb: 'delete-cas', key, index }, ...unmarking]
  }

  #naming(holders: readonly string[]): TxnOp[] {
    const { list: key, form } = this.#place
    return writing(key, this.#seen?.list, form.encode({ limit: this.#spec.limit, holders }), this.#sessionId)
  }

  #marking(): TxnOp[] {
    const { marker: key } = this.#place
    if (key === undefined) return []
    const marker = this.#seen?.marker
    if (isMarker(this.#place, marker)) return [{ verb: 'check-index', key, index: marker.modifyIndex }]
    return writing(key, marker, markerValue(this.#place), this.#sessionId)
  }

  /** Follows the limit of those who are in, but for the first time. */
  #agree(ctx: Context, limit: number): void {
    const { name, limit: ours, hasAgreed } = this.#spec
    if (limit === ours) return
    const slots = limit === 1 ? '1 slot' : `${limit} slots`
    if (!hasAgreed) {
      throw new Failure('usage', `${name} has ${slots}, and --slots says ${ours}`, {
        hint: `change one of the two: consul-locker slots ${name} ${ours}`,
      })
    }
    ctx.log.notice(`${name} has ${slots} now`)
    this.#spec.limit = limit
  }

  /**
   * What is ours; or, when all places are taken, one holder that is in the way: for ever, if it is a run around us.
   */
  #blocker(living: readonly Entry[]): Blocker | undefined {
    const own = living.find(({ session }) => session === this.#sessionId)
    if (own || living.length < this.#spec.limit) return own
    const isAround = ({ session = '' }: Entry) => this.#ancestors.includes(session)
    const blocker = living.find((entry) => !isAround(entry)) ?? living[0]
    return blocker && { ...blocker, others: living.length - 1 }
  }
}
