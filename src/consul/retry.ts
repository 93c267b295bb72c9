import { sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import type { Consul } from './consul.ts'
import { isTransient } from './reply-failure.ts'

/** Trouble of the same kind that comes back so soon after its end isn't told anew, unless it lasts. */
const RELAPSE_MS = 60_000
/** For so long the token's file may hold one that Consul doesn't know any more. */
const ROTATION_MS = 60_000

/** Does a task, and again after a failure that passes, if whoever waits for it wants that. */
export type RetryPolicy = <T>(ctx: Context, task: () => Promise<T>) => Promise<T>

/** What those who wait for a task want of its retries. */
export interface RetryBounds {
  /** Bounds the pauses where somebody waits for the answer. */
  readonly longestPauseMs?: number
  /** For so long it is waited for, as people are told; whoever waits ends it. */
  readonly waitMs?: number | undefined
}

/**
 * Tries again what fails for passing reasons, and tells of the failure once, and of its end. While Consul hasn't
 * answered yet, that has an end: see `Reachability`.
 */
export class Retry {
  readonly #consul: Consul
  readonly #bounds: RetryBounds
  /** The failure that is being sat out just now. */
  failure: Failure | undefined
  #isTold = false
  #past: { readonly code: FailureCode; readonly endedAt: Instant } | undefined
  #unknownSince: Instant | undefined
  #beganAt: Instant | undefined

  constructor(consul: Consul, bounds: RetryBounds = {}) {
    this.#consul = consul
    this.#bounds = bounds
  }

  /** Settles as `task` does in the end. Rejects with failures that don't pass, or with the signal's reason. */
  async until<T>(ctx: Context, task: () => Promise<T>): Promise<T> {
    this.#beganAt ??= ctx.clock.now()
    const backoff = new Backoff(ctx.random, undefined, this.#bounds.longestPauseMs)
    using retried = this.#consul.reachability.outages.task(ctx.clock)
    for (;;) {
      try {
        const result = await task()
        this.#onSuccess(ctx)
        return result
      } catch (thrown) {
        ctx.signal.throwIfAborted()
        if (!isTransient(thrown, this.#consul) || this.#isOverdue(ctx, thrown)) throw thrown
        if (this.#consul.reachability.leftMs(ctx.clock) <= 0) throw this.#outOfReach(thrown)
        this.#onFailure(ctx, thrown)
        retried.failed()
      }
      await sleep(ctx, Math.max(0, Math.min(backoff.next(), this.#consul.reachability.leftMs(ctx.clock))))
    }
  }

  /**
   * Tells how much of the time from now on was lost to outages, in milliseconds: whoever has tried anything again at
   * this address.
   */
  outage(ctx: Context): () => number {
    return this.#consul.reachability.outages.from(ctx.clock)
  }

  /** Why the wait is over now: Consul is in trouble, or has told nothing all the time; or else it is `late`. */
  whyOver<T>(late: T): T | Failure {
    const { waitMs = 0 } = this.#bounds
    return this.failure ?? (waitMs === 0 || this.#consul.confirmed ? late : this.#consul.silence(waitMs))
  }

  /** Whether the token is unknown for longer than replacing it takes. */
  #isOverdue(ctx: Context, { code }: Failure): boolean {
    if (code !== 'unknown-token') this.#unknownSince = undefined
    else this.#unknownSince ??= ctx.clock.now()
    return this.#unknownSince !== undefined && ctx.clock.since(this.#unknownSince) > ROTATION_MS
  }

  #outOfReach(failure: Failure): Failure {
    const patience = formatDuration(this.#consul.reachability.patienceMs)
    return new Failure(failure.code, `${failure.message}; gave up after ${patience} (--consul-timeout)`, failure)
  }

  #onFailure(ctx: Context, failure: Failure): void {
    if (this.#isTold || (!this.failure && this.#isRelapse(ctx, failure))) {
      ctx.log.debug(`${failure.message}; trying again`)
    } else {
      const boundMs = this.#boundMs(ctx)
      const howLong = Number.isFinite(boundMs) ? `, for ${formatDuration(boundMs)} at most` : ' until it works'
      ctx.log.warn(`${failure.message}; trying again${howLong}`)
      this.#isTold = true
    }
    this.failure = failure
  }

  /** For how long it is tried again at most. */
  #boundMs({ clock }: Context): number {
    const { confirmed, patienceMs } = this.#consul.reachability
    const { waitMs = Number.POSITIVE_INFINITY } = this.#bounds
    const leftMs = waitMs - (this.#beganAt ? clock.since(this.#beganAt) : 0)
    return Math.min(confirmed ? Number.POSITIVE_INFINITY : patienceMs, Math.max(1, Math.ceil(leftMs / 1000)) * 1000)
  }

  #isRelapse(ctx: Context, { code }: Failure): boolean {
    return this.#past?.code === code && ctx.clock.since(this.#past.endedAt) < RELAPSE_MS
  }

  #onSuccess(ctx: Context): void {
    this.#unknownSince = undefined
    if (!this.failure) return
    if (this.#isTold) ctx.log.warn(`Consul at ${this.#consul.settings.address.text} answers again`)
    this.#past = { code: this.failure.code, endedAt: ctx.clock.now() }
    this.failure = undefined
    this.#isTold = false
  }
}
