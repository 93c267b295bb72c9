import type { Context } from '../base/context.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import { LONG_POLL_MS } from '../consul/blocking-query.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { Line, QueuePosition, Waiter } from './queue.ts'

/** Who is next but one looks this often whether who is next lives: a dead one's session takes its time to expire. */
const NEXT_BUT_ONE_MS = 5000
/** Who comes to a free lock takes it within milliseconds; so long after, it is idle. */
const IDLE_MS = 3000
/** So many look every few seconds whether a free lock is idle; those behind them take their time. */
const NEAR = 8

/** How many of those ahead one may pass when none of them has taken a lock that was free for so long. */
export function skippable(idleMs: number): number {
  return idleMs < IDLE_MS ? 0 : 2 ** (Math.floor(idleMs / IDLE_MS) - 1)
}

/**
 * Where we are: `new`; in the queue, at a position; `acquired`, with the lock in our hands; or `bypassing` the queue: our
 * token may not write there, somebody has filled it with rubbish, or nobody in it takes the lock.
 */
type QueueState = 'new' | QueuePosition | 'acquired' | 'bypassing'

const UNQUEUEABLE: readonly FailureCode[] = ['refused', 'too-large']

/** One session's way through the queue. */
export class QueueMember {
  readonly #queue: Line
  readonly #retrying: RetryPolicy
  readonly #waiter: () => Waiter
  #state: QueueState = 'new'
  #isFirm = false

  /** `waiter` is asked when we enter the queue. */
  constructor(queue: Line, retrying: RetryPolicy, waiter: () => Waiter) {
    this.#queue = queue
    this.#waiter = waiter
    this.#retrying = retrying
  }

  /** Claims with the operations that keep the queue in order: who is new respects it, who is in it leaves it. */
  async claimInOrder<T>(ctx: Context, claim: (ops: readonly TxnOp[]) => Promise<T>): Promise<T> {
    try {
      return await claim(this.#operations())
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

  /**
   * How many are before us; the first call enters the queue. If the session that holds the lock is that of whom we were
   * behind, we are next, and nobody needs to read the whole queue.
   */
  async ahead(ctx: Context, holder: string | undefined): Promise<number> {
    const state = this.#state
    if (state === 'bypassing') return 0
    try {
      const place = await this.#retrying(ctx, async () => {
        if (typeof state === 'string') await this.#queue.enter(ctx, this.#waiter())
        else if (holder !== undefined && state.before?.session === holder) return this.#queue.atHead(ctx)
        return this.#queue.look(ctx)
      })
      this.#state = place
      this.#isFirm = place.isFirm
      return place.ahead
    } catch (thrown) {
      if (!this.#mustBypass(ctx, thrown)) throw thrown
      return 0
    }
  }

  /** Whether somebody before us must not be passed, though he leaves a free lock alone. */
  get mustWait(): boolean {
    return this.#isFirm
  }

  /** Waits for who is before us to go; `false` when that didn't happen for a while, a shorter one while the lock is free. */
  async untilMoved(ctx: Context, isFree: boolean): Promise<boolean> {
    if (typeof this.#state === 'string' || !this.#state.before) return true
    const { before, ahead } = this.#state
    const isNear = ahead <= (isFree ? NEAR : 1)
    const waitMs = isNear ? (isFree ? IDLE_MS : NEXT_BUT_ONE_MS) : LONG_POLL_MS
    const query = this.#queue.watch(before)
    const { entry } = await this.#retrying(ctx, () => query.next(ctx, waitMs))
    return entry?.session !== before.session
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
