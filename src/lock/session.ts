import { sleep } from '../base/abort.ts'
import type { Clock, Instant } from '../base/clock.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { createSession, renewSession } from '../consul/sessions.ts'
import { graceLeftMs, leaseLeftMs, RENEW_RETRY_MS, type Timing } from './deadline.ts'
import type { Loss } from './loss.ts'

/** What a session is called, and what it lives by. */
export interface SessionTerms {
  readonly name: string
  readonly timing: Timing
  /** Checks that it depends on; serfHealth alone unless it is told. */
  readonly checks?: readonly string[] | undefined
}

/** Proof that we live: a session at Consul, renewed in the background from its creation until `end`. */
export class Session {
  readonly id: string
  readonly #clock: Clock
  readonly #timing: Timing
  readonly #gone = new AbortController()
  readonly #ended = new AbortController()
  /** Just before the sending of the last renewal that succeeded: the server saw it then or later, never earlier. */
  #renewedAt: Instant
  #onRenewed: () => void = () => {}

  private constructor(ctx: Context, id: string, timing: Timing, renewedAt: Instant) {
    this.id = id
    this.#clock = ctx.clock
    this.#timing = timing
    this.#renewedAt = renewedAt
  }

  /** Creates a session and begins to renew it. The caller must `end` it, or it lives as long as the process. */
  static async open(ctx: Context, consul: Consul, request: SessionTerms): Promise<Session> {
    const { name, timing, checks } = request
    const sentAt = ctx.clock.now()
    const id = await createSession(ctx, consul, { name, behavior: 'release', checks, ...timing })
    const session = new Session(ctx, id, timing, sentAt)
    session.#keepRenewing(under(ctx, session.#ended.signal), consul).catch((thrown: unknown) => {
      if (!session.#ended.signal.aborted) throw thrown
    })
    return session
  }

  /** Aborts when Consul says that it doesn't know this session any more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** How long the holder of this session may go on from now, in milliseconds; negative when its time is over. */
  leaseLeftMs(): number {
    return leaseLeftMs(this.#timing, this.#clock.since(this.#renewedAt))
  }

  /** How long the holder's command may take from TERM to KILL, now that the lock is lost. */
  graceLeftMs(loss: Loss): number {
    return graceLeftMs(this.#timing, this.#clock.since(this.#renewedAt), loss)
  }

  /** Calls `listener` after each renewal, instead of the listener before. */
  onRenewed(listener: () => void): void {
    this.#onRenewed = listener
  }

  /** Renews now. Rejects when that fails for reasons that may pass; a session that is gone aborts `gone` instead. */
  async renew(ctx: Context, consul: Consul): Promise<void> {
    const sentAt = ctx.clock.now()
    if (await renewSession(ctx, consul, this.id)) {
      this.#renewedAt = sentAt
      this.#onRenewed()
    } else {
      this.#gone.abort()
    }
  }

  async #keepRenewing(ctx: Context, consul: Consul): Promise<void> {
    let retrying = false
    while (!this.#gone.signal.aborted) {
      const dueMs = this.#timing.renewMs - ctx.clock.since(this.#renewedAt)
      await sleep(ctx, retrying ? RENEW_RETRY_MS : Math.max(0, dueMs))
      try {
        await this.renew(ctx, consul)
        retrying = false
      } catch (thrown) {
        ctx.signal.throwIfAborted()
        if (!(thrown instanceof Failure)) throw thrown
        if (!retrying) ctx.log.debug(`the session could not be renewed: ${thrown.message}`)
        retrying = true
      }
    }
  }

  /** Stops renewing. The session itself dies by its TTL unless it is destroyed. */
  end(): void {
    this.#ended.abort(new Error('the session was ended'))
  }
}
