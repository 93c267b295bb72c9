import type { Context } from '../base/context.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import { LONG_POLL_MS } from '../consul/blocking-query.ts'
import type { Entry } from '../consul/kv.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { ClaimResult } from './claim.ts'
import type { QueueTicket } from './queue-ticket.ts'
import type { Line, QueuePosition, Waiter } from './waiting-line.ts'

/** The second in line looks this often whether the first one lives: a dead one's session takes its time to expire. */
const NEXT_BUT_ONE_MS = 5000
/** A waiter takes a free lock within milliseconds; one that is free for so long is idle. */
const IDLE_MS = 3000
/** So many look every few seconds whether a free lock is idle; those behind them take their time. */
const NEAR = 8

/** How many of those ahead one may pass when none of them has taken a lock that was free for so long. */
export function skippable(idleMs: number): number {
  return idleMs < IDLE_MS ? 0 : 2 ** (Math.floor(idleMs / IDLE_MS) - 1)
}

/** The lock, as who stands in line for it saw it. */
export interface SeenLock {
  /** The session that holds it. */
  readonly holder: string | undefined
  /** Its entry, if it is one plain lock. */
  readonly plain?: Entry | undefined
  /** `idle`: it was free for a while, and nobody before us has moved. */
  readonly state: 'held' | 'free' | 'idle'
}

/**
 * Where we are: `new`; in the queue, at a position; `acquired`, with the lock in our hands; or `bypassing` the queue:
 * our token may not write there, somebody has filled it with rubbish, or nobody in it takes the lock.
 */
type QueueState = 'new' | QueuePosition | 'acquired' | 'bypassing'

const UNQUEUEABLE: readonly FailureCode[] = ['refused', 'too-large']

/** One session's way through the queue. */
export class QueueMember {
  readonly #queue: Line
  readonly #retrying: RetryPolicy
  readonly #waiter: () => Waiter
  #state: QueueState = 'new'
  #ticket: QueueTicket | undefined
  #removeTail: readonly TxnOp[] = []
  /** Others stood in the queue when we tried last. */
  #isFormed = false
  /** The one before us has gone. */
  #hasMoved = false
  #isFirm = false

  /** `waiter` is asked when we enter the queue. */
  constructor(queue: Line, retrying: RetryPolicy, waiter: () => Waiter) {
    this.#queue = queue
    this.#waiter = waiter
    this.#retrying = retrying
  }

  /** Claims with the operations that keep the queue in order: a newcomer respects it, a member leaves it. */
  async claimInOrder(ctx: Context, claim: (ops: readonly TxnOp[]) => Promise<ClaimResult>): Promise<ClaimResult> {
    try {
      const got = await claim(this.#operations())
      this.#isFormed = 'isQueued' in got
      return got
    } catch (thrown) {
      if (!this.#mustBypass(ctx, thrown)) throw thrown
      return claim([])
    }
  }

  #operations(): readonly TxnOp[] {
    if (this.#state === 'new') return this.#queue.ifNobodyQueues
    if (this.#state === 'acquired') return this.#queue.leaving
    return this.#state === 'bypassing' ? [] : this.#state.leaving
  }

  /** The lock is ours: claiming it again must not fail for whoever came since. */
  markAcquired(): void {
    if (this.#state !== 'bypassing') this.#state = 'acquired'
  }

  /** Our ticket, once we have stood in the line. */
  get turn(): number | undefined {
    return this.#ticket?.number
  }

  /** Whether others can see where we stand. */
  get isInLine(): boolean {
    return typeof this.#state !== 'string'
  }

  /** The session behind which we stand in line; `undefined` when we are first. */
  get before(): string | undefined {
    return typeof this.#state === 'string' ? undefined : this.#state.before?.session
  }

  /** What takes away the key that names the last in line, if that is us yet, or we know that nobody else is there. */
  get removeTail(): readonly TxnOp[] {
    const known = typeof this.#state === 'string' ? [] : this.#state.leaving.filter(({ verb }) => verb === 'delete-cas')
    return known.length > 0 ? known : this.#removeTail
  }

  /**
   * How many are before us, `undefined` for one or more; the first call enters the queue. While who is before us stays
   * there, so do we, and if the session that holds the lock is his, we are next: nobody needs to read the whole queue
   * for that. It is read when he has gone otherwise, when the holder doesn't tell our place, when the lock is idle, and
   * when somebody has it though we were next.
   */
  async ahead(ctx: Context, seen: SeenLock): Promise<number | undefined> {
    const state = this.#state
    if (state === 'bypassing') return 0
    try {
      const place = await this.#retrying(ctx, () => this.#place(ctx, state, seen))
      this.#hasMoved = false
      this.#state = place
      this.#isFirm = place.isFirm
      return place.ahead
    } catch (thrown) {
      if (!this.#mustBypass(ctx, thrown)) throw thrown
      return 0
    }
  }

  async #place(
    ctx: Context,
    state: Exclude<QueueState, 'bypassing'>,
    { holder, plain, state: lock }: SeenLock,
  ): Promise<QueuePosition> {
    let place: QueuePosition | undefined
    if (typeof state === 'string') {
      const entrance = await this.#queue.enter(ctx, this.#waiter(), this.#isFormed)
      this.#ticket = entrance?.ticket
      this.#removeTail = entrance?.removeTail ?? []
      place = entrance?.position
    } else {
      const { before } = state
      // One that was passed at the head may have come there behind one that passed others, and those are before it.
      if (before ? before.session === holder : lock !== 'held') return this.#queue.atHead(ctx)
      if (before && !this.#hasMoved) place = state
    }
    if (place && !place.before) return place
    // A count may be too high by those that gave up, and one that believes to be far back would look late.
    if (place && lock === 'free') return { ...place, ahead: undefined }
    const ahead = plain && this.#ticket?.ahead(plain)
    if (place && lock === 'held' && ahead !== undefined) return { ...place, ahead }
    const counted = await this.#queue.look(ctx)
    if (plain) this.#ticket?.counted(counted.ahead, plain)
    return counted
  }

  /** Whether somebody before us must not be passed, even if it leaves a free lock alone. */
  get mustWait(): boolean {
    return this.#isFirm
  }

  /**
   * Waits for the one before us to go; `false` when it didn't for a while, a shorter one while the lock is free.
   */
  async untilMoved(ctx: Context, isFree: boolean): Promise<boolean> {
    const state = this.#state
    if (typeof state === 'string' || !state.before) return true
    const { before, ahead } = state
    const isNear = ahead === undefined || ahead <= (isFree ? NEAR : 1)
    const waitMs = isNear ? (isFree ? IDLE_MS : NEXT_BUT_ONE_MS) : LONG_POLL_MS
    const query = this.#queue.watch(before)
    const { entry } = await this.#retrying(ctx, () => query.next(ctx, waitMs))
    // One that came back in the same session stands behind us.
    const isThere = entry?.session === before.session && entry?.createIndex === before.createIndex
    // Somebody may have written over it: the next watch goes on from there.
    if (isThere) this.#state = { ...state, before: entry }
    this.#hasMoved = !isThere
    return this.#hasMoved
  }

  /** Whether the tail key was left without anybody in the queue; deletes it then. */
  async isAbandoned(ctx: Context): Promise<boolean> {
    try {
      const { ahead, isFirm } = await this.#queue.look(ctx)
      this.#isFirm = isFirm
      if (ahead > 0) return false
      await this.#queue.leave(ctx)
    } catch (thrown) {
      if (!this.#mustBypass(ctx, thrown)) throw thrown
    }
    return true
  }

  /** From now on we don't heed the queue. */
  bypass(): void {
    this.#state = 'bypassing'
  }

  /** Leaves the queue without the lock. */
  async leave(ctx: Context): Promise<void> {
    if (this.#state === 'new' || this.#state === 'bypassing') return
    await this.#queue.leave(ctx).catch((thrown: unknown) => {
      if (!this.#mustBypass(ctx, thrown)) throw thrown
    })
  }

  #mustBypass(ctx: Context, thrown: unknown): boolean {
    if (this.#state === 'bypassing' || !(thrown instanceof Failure) || !UNQUEUEABLE.includes(thrown.code)) return false
    ctx.log.debug(`waiting without a queue: ${thrown.message}`)
    this.#state = 'bypassing'
    return true
  }
}
