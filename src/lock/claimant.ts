import { aborted, firstOf, withAbortGrace } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'
import { ABORT_GRACE_MS, type AcquireOptions } from './acquire-options.ts'
import { type ClaimResult, claim, type LockRequest } from './claim.ts'
import type { Blocker, CompoundLock } from './compound-lock.ts'
import { withTurn } from './holder-record.ts'
import type { LockWatch } from './lock-watch.ts'
import type { QueueMember } from './queue-member.ts'
import type { Advice, NextAttempt } from './rider.ts'
import { prepareRiders, type Riders } from './riders.ts'
import type { Session } from './session.ts'
import type { Succession } from './succession.ts'

/** What a session claims a lock by. */
export interface ClaimantParts {
  readonly consul: Consul
  readonly options: AcquireOptions
  readonly session: Session
  readonly retrying: RetryPolicy
  readonly riders: Riders
  readonly watch: LockWatch
  readonly queue: QueueMember
  /** Tells people what a rider waits for. */
  readonly tell: (sentence: string) => void
  /** What is claimed, if it isn't the plain lock. */
  readonly compound: CompoundLock | undefined
}

/** One session's tries to claim a lock, and what each of them asked for. */
export class Claimant {
  readonly #ctx: Context
  readonly #parts: ClaimantParts
  #request: LockRequest
  #found: Blocker | undefined

  constructor(ctx: Context, parts: ClaimantParts) {
    this.#ctx = ctx
    this.#parts = parts
    this.#request = this.newRequest()
  }

  /** What was asked for last. */
  get request(): LockRequest {
    return this.#request
  }

  /**
   * The key as we found it when we claimed it, until we know that it is ours. It may tell of runs that never gave it
   * back.
   */
  get found(): Blocker | undefined {
    return this.#found
  }

  /** It is ours, with this value. */
  won(value: string): void {
    this.#request = { ...this.#request, value }
    this.#found = undefined
  }

  /** What a claim would ask for now. */
  newRequest(): LockRequest {
    const { options, compound, watch, queue, session } = this.#parts
    const value = withTurn(options.record(this.#ctx.clock.now().wallMs, watch.lastSeen), queue.turn)
    return { key: compound?.key ?? options.key, value, sessionId: session.id }
  }

  /** Whether a try is worthwhile, as the riders see it. */
  async prepare(): Promise<Advice | 'session-gone'> {
    const { riders, session, retrying } = this.#parts
    if (!riders.isPrepared) return 'go'
    const advice = await firstOf<Advice | 'session-gone'>(this.#ctx, [
      (ctx) => prepareRiders(ctx, riders.all, this.#attempt(), retrying),
      async (ctx) => {
        await Promise.race([aborted(session.gone), aborted(ctx.signal)])
        return 'session-gone'
      },
    ])
    return session.gone.aborted ? 'session-gone' : advice
  }

  /** Claims it; what came by `succession`, if there is any, ends with that. */
  try(succession: Succession | undefined): Promise<ClaimResult> {
    const { riders, queue, retrying } = this.#parts
    this.#request = this.newRequest()
    const attempt = this.#attempt()
    if (!attempt.isOurs) this.#found = attempt.seen?.session === undefined ? attempt.seen : undefined
    const ridingOps = riders.claiming(attempt)
    const leaving = succession?.claiming() ?? []
    return queue.claimInOrder(this.#ctx, (queueing) =>
      retrying(this.#ctx, () =>
        withAbortGrace(this.#ctx, ABORT_GRACE_MS, (ctx) => this.#claim(ctx, [...queueing, ...leaving], ridingOps)),
      ),
    )
  }

  /**
   * Renews the session and claims the lock anew, for it may leave us meanwhile. Both at once: where answers take long,
   * one after the other would never leave enough of the lease.
   */
  async tryRenewed(succession: Succession | undefined): Promise<ClaimResult> {
    const { session, consul, retrying } = this.#parts
    const renew = () => session.renew(this.#ctx, consul, REQUEST_TIMEOUT_MS)
    const [renewed, got] = await Promise.allSettled([retrying(this.#ctx, renew), this.try(succession)])
    if (renewed.status === 'rejected') throw renewed.reason
    if (got.status === 'rejected') throw got.reason
    return session.gone.aborted ? { kind: 'session-gone' } : got.value
  }

  #claim(ctx: Context, queueing: readonly TxnOp[], riding: readonly TxnOp[]): Promise<ClaimResult> {
    const { consul, watch } = this.#parts
    const { claimable, lastSeen, isOurs } = watch
    if (claimable) return claimable.claim(ctx, this.#request, isOurs, queueing, riding)
    return claim(ctx, consul, this.#request, isOurs ? 'ours' : lastSeen, queueing, riding)
  }

  #attempt(): NextAttempt {
    const { consul, options, session, watch, tell } = this.#parts
    const seen = watch.lastSeen
    const isOurs = watch.isOurs || seen?.session === session.id
    return { consul, seen, isOurs, nowMs: this.#ctx.clock.now().wallMs, once: options.once, tell }
  }
}
