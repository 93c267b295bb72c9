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

/**
 * Tries again what fails for passing reasons, and tells of the failure once, and of its end. While Consul hasn't
 * answered yet, that has an end: see `Reachability`.
 */
export class Retry {
  readonly #consul: Consul
  readonly #longestPauseMs: number | undefined
  /** The failure that is being sat out just now. */
  failure: Failure | undefined
  #isTold = false
  #past: { readonly code: FailureCode; readonly endedAt: Instant } | undefined
  #unknownSince: Instant | undefined

  /** `longestPauseMs` bounds the pauses where somebody waits for the answer. */
  constructor(consul: Consul, longestPauseMs?: number) {
    this.#consul = consul
    this.#longestPauseMs = longestPauseMs
  }

  /** Settles as `task` does in the end. Rejects with failures that don't pass, or with the signal's reason. */
  async until<T>(ctx: Context, task: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(ctx.random, undefined, this.#longestPauseMs)
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
    const { reachability: reach } = this.#consul
    if (this.#isTold || (!this.failure && this.#isRelapse(ctx, failure))) {
      ctx.log.debug(`${failure.message}; trying again`)
    } else {
      const isEndless = reach.confirmed || !Number.isFinite(reach.patienceMs)
      const howLong = isEndless ? ' until it works' : `, for ${formatDuration(reach.patienceMs)} at most`
      ctx.log.warn(`${failure.message}; trying again${howLong}`)
      this.#isTold = true
    }
    this.failure = failure
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
