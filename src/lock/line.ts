import type { Context } from '../base/context.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { KvStep } from '../consul/txn.ts'
import type { Persist } from './contest.ts'
import { type Place, Queue } from './queue.ts'

/** Who is next but one looks this often whether who is next lives: a dead one's session takes its time to expire. */
const NEXT_BUT_ONE_MS = 5000
const LONG_POLL_MS = 30_000
/** Who comes to a free lock takes it within milliseconds; so long after, it is idle. */
const IDLE_MS = 3000
/** So many look every few seconds whether a free lock is idle; those behind them take their time. */
const NEAR = 8

/** How many of those ahead one may pass when none of them has taken a lock that was free for so long. */
export function passable(idleMs: number): number {
  return idleMs < IDLE_MS ? 0 : 2 ** (Math.floor(idleMs / IDLE_MS) - 1)
}

/**
 * Where a contender is: `new`; in line, at a place; `through`, with the lock in its hands; or `outside`, and waits
 * without a queue: its token may not write there, somebody has filled it with rubbish, or nobody in it goes on.
 */
type Stand = 'new' | Place | 'through' | 'outside'

const BARS: readonly FailureCode[] = ['refused', 'too-large']

/** One contender's way through the queue. */
export class Line {
  readonly #queue: Queue
  readonly #persist: Persist
  #stand: Stand = 'new'

  constructor(consul: Consul, lockKey: string, sessionId: string, persist: Persist) {
    this.#queue = new Queue(consul, lockKey, sessionId)
    this.#persist = persist
  }

  /** Claims with the steps that keep the line in order: who is new respects it, who is in it leaves it. */
  async withSteps<T>(ctx: Context, claim: (steps: readonly KvStep[]) => Promise<T>): Promise<T> {
    try {
      return await claim(this.#steps())
    } catch (thrown) {
      if (!this.#isBarred(ctx, thrown)) throw thrown
      return claim([])
    }
  }

  #steps(): readonly KvStep[] {
    if (this.#stand === 'new') return [this.#queue.unlessInLine]
    if (this.#stand === 'through') return [this.#queue.leaving]
    return this.#stand === 'outside' ? [] : this.#stand.leaving
  }

  /** The lock is ours: claiming it again must not fail for whoever came since. */
  through(): void {
    if (this.#stand !== 'outside') this.#stand = 'through'
  }

  /**
   * How many are before us; the first call brings us into the line. If the session that holds the lock is that of whom
   * we stood behind, it is our turn next, and nobody needs to look through the whole line.
   */
  async ahead(ctx: Context, holder: string | undefined): Promise<number> {
    const stand = this.#stand
    if (stand === 'outside') return 0
    try {
      const place = await this.#persist(ctx, async () => {
        if (typeof stand === 'string') await this.#queue.enter(ctx)
        else if (holder !== undefined && stand.before?.session === holder) return this.#queue.first(ctx)
        return this.#queue.look(ctx)
      })
      this.#stand = place
      return place.ahead
    } catch (thrown) {
      if (!this.#isBarred(ctx, thrown)) throw thrown
      return 0
    }
  }

  /** Waits for who is before us to go; `false` when that didn't happen for a while, a shorter one while the lock is free. */
  async untilCloser(ctx: Context, isFree: boolean): Promise<boolean> {
    if (typeof this.#stand === 'string' || !this.#stand.before) return true
    const { before, ahead } = this.#stand
    const isNear = ahead <= (isFree ? NEAR : 1)
    const waitMs = isNear ? (isFree ? IDLE_MS : NEXT_BUT_ONE_MS) : LONG_POLL_MS
    return this.#persist(ctx, () => this.#queue.untilGone(ctx, before, waitMs))
  }

  /** Whether a sign was left without anybody in line; takes it down then. */
  async isAbandoned(ctx: Context): Promise<boolean> {
    try {
      const { ahead } = await this.#queue.look(ctx)
      if (ahead > 0) return false
      await this.#queue.leave(ctx)
    } catch (thrown) {
      if (!this.#isBarred(ctx, thrown)) throw thrown
    }
    return true
  }

  /** From now on we don't heed it. */
  goPast(): void {
    this.#stand = 'outside'
  }

  /** Leaves the line without the lock. */
  async leave(ctx: Context): Promise<void> {
    if (this.#stand === 'new' || this.#stand === 'outside') return
    await this.#queue.leave(ctx).catch((thrown: unknown) => {
      if (!this.#isBarred(ctx, thrown)) throw thrown
    })
  }

  #isBarred(ctx: Context, thrown: unknown): boolean {
    if (this.#stand === 'outside' || !(thrown instanceof Failure) || !BARS.includes(thrown.code)) return false
    ctx.log.debug(`waiting without a queue: ${thrown.message}`)
    this.#stand = 'outside'
    return true
  }
}
