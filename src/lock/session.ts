import { AbortReason, sleep, unlessAborted, withDeadline } from '../base/abort.ts'
import type { Clock, Instant } from '../base/clock.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { createSession, destroySession, renewSession, type SessionRequest, sessionsOf } from '../consul/sessions.ts'
import {
  graceLeftMs,
  isEnoughToStart,
  leaseLeftMs,
  RENEW_ATTEMPT_MS,
  RENEW_RETRY_MS,
  type Timing,
} from './lease-timing.ts'
import type { Loss } from './loss.ts'

/** What a session is called, and what it lives by. */
export interface SessionOptions {
  /** Nobody else's: by its name a session is found whose creation was never answered. */
  readonly name: string
  readonly timing: Timing
  /** Checks that it depends on; serfHealth alone unless it is told. */
  readonly checks?: readonly string[] | undefined
  /** What becomes of its keys when it dies; they are released unless it is told. */
  readonly behavior?: 'release' | 'delete' | undefined
}

/**
 * The lease is looked at so often between renewals: a machine that was suspended must learn of its end soon after it
 * woke. Each look wakes an idle holder, which costs it a part of a millisecond of CPU.
 */
const LOOK_MS = 5000
/** How long whoever has another question waits for the answer to this one. */
const ASKING_MS = 500

/** Proof that we live: a session at Consul, renewed in the background from its creation until `end`. */
export class Session {
  readonly id: string
  readonly #options: SessionOptions
  /** Others of its name may have come into being. */
  readonly #mayHaveDuplicates: boolean
  readonly #clock: Clock
  readonly #timing: Timing
  readonly #gone = new AbortController()
  readonly #ended = new AbortController()
  /** Just before the sending of the last renewal that succeeded: the server saw it then or later, never earlier. */
  #renewedAt: Instant
  #onRenewed: () => void = () => {}
  /** Who looks at the lease. */
  readonly #looks = new Set<() => void>()

  private constructor(ctx: Context, id: string, options: SessionOptions, renewedAt: Instant, mayHaveTwins: boolean) {
    this.id = id
    this.#options = options
    this.#mayHaveDuplicates = mayHaveTwins
    this.#clock = ctx.clock
    this.#timing = options.timing
    this.#renewedAt = renewedAt
  }

  /**
   * Creates a session and begins to renew it. The caller must `end` it, or it lives as long as the process. Whoever
   * isn't sure that it is the only one of its name says so.
   */
  static async create(ctx: Context, consul: Consul, options: SessionOptions, mayHaveTwins: boolean): Promise<Session> {
    const sentAt = ctx.clock.now()
    const id = await createSession(ctx, consul, requestOf(options))
    return new Session(ctx, id, options, sentAt, mayHaveTwins).#begin(ctx, consul)
  }

  /** Begins to renew a session of ours that was created at this time or later. The caller must `end` it, as above. */
  static adopt(ctx: Context, consul: Consul, options: SessionOptions, id: string, createdAt: Instant): Session {
    return new Session(ctx, id, options, createdAt, true).#begin(ctx, consul)
  }

  #begin(ctx: Context, consul: Consul): this {
    this.#keepRenewing(under(ctx, this.#ended.signal), consul).catch((thrown: unknown) => {
      if (!this.#ended.signal.aborted) throw thrown
    })
    return this
  }

  /** Aborts when Consul says that it doesn't know this session any more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** How long the holder of this session may go on from now, in milliseconds; negative when its time is over. */
  leaseLeftMs(): number {
    return leaseLeftMs(this.#timing, this.#clock.since(this.#renewedAt))
  }

  /**
   * Settles when the lease is over, which is looked at whenever a renewal is sent, and every few seconds in between.
   * Rejects with the signal's reason.
   */
  untilOver(ctx: Context): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let cancel = () => {}
    const look = () => {
      cancel()
      const leftMs = this.leaseLeftMs()
      if (leftMs <= 0) resolve()
      else cancel = ctx.clock.after(Math.min(leftMs, LOOK_MS), look)
    }
    this.#looks.add(look)
    look()
    return unlessAborted(ctx.signal, promise).finally(() => {
      this.#looks.delete(look)
      cancel()
    })
  }

  /** Whether the lease leaves enough time to start a command. */
  hasTimeToStart(): boolean {
    return isEnoughToStart(this.#timing, this.leaseLeftMs())
  }

  /** How long the holder's command may take from TERM to KILL, now that the lock is lost. */
  graceLeftMs(loss: Loss): number {
    return graceLeftMs(this.#timing, this.#clock.since(this.#renewedAt), loss)
  }

  /** Calls `listener` after each renewal, instead of the listener before. */
  onRenewed(listener: () => void): void {
    this.#onRenewed = listener
  }

  /**
   * Renews now, by an attempt of so many milliseconds. Rejects when that fails for reasons that may pass; a session
   * that is gone aborts `gone` instead.
   */
  async renew(ctx: Context, consul: Consul, attemptMs = RENEW_ATTEMPT_MS): Promise<void> {
    // We are awake; the next look has time.
    for (const look of this.#looks) look()
    const sentAt = ctx.clock.now()
    if (await renewSession(ctx, consul, this.id, attemptMs)) {
      if (sentAt.monotonicMs > this.#renewedAt.monotonicMs) this.#renewedAt = sentAt
      this.#onRenewed()
    } else {
      this.#gone.abort(new AbortReason('Consul no longer knows the session'))
    }
  }

  /**
   * Asks Consul whether it knows this session, by a renewal: `gone` aborts if it doesn't. Settles within half a second
   * with whether there was an answer; never rejects.
   */
  ask(ctx: Context, consul: Consul): Promise<boolean> {
    return withDeadline(ctx, ASKING_MS, (ctx) => this.renew(ctx, consul)).then(
      () => true,
      () => false,
    )
  }

  async #keepRenewing(ctx: Context, consul: Consul): Promise<void> {
    let retrying = false
    while (!this.#gone.signal.aborted) {
      await sleep(ctx, retrying ? RENEW_RETRY_MS : Math.max(0, this.#dueMs()))
      if (this.#dueMs() > 0) {
        // Somebody else renewed it meanwhile, or the answer to an attempt that was over came all the same.
        retrying = false
        continue
      }
      try {
        retrying = !(await this.#isRenewed(ctx, consul))
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        if (!retrying) ctx.log.debug(`the session could not be renewed: ${thrown.message}`)
        retrying = true
      }
    }
  }

  #dueMs(): number {
    return this.#timing.renewMs - this.#clock.since(this.#renewedAt)
  }

  /** Whether an attempt succeeds in its time. An answer that comes later still counts, from its request's sending. */
  async #isRenewed(ctx: Context, consul: Consul): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>()
    const cancel = ctx.clock.after(RENEW_ATTEMPT_MS, () => {
      ctx.log.debug('the session could not be renewed yet: no answer')
      resolve(false)
    })
    const renewing = this.renew(ctx, consul, this.#timing.ttlMs).then(() => true)
    return Promise.race([renewing, late]).finally(cancel)
  }

  /** Stops renewing. The session itself dies by its TTL unless it is destroyed. */
  end(): void {
    this.#ended.abort(new AbortReason('the session was ended'))
  }

  /**
   * Destroys it at Consul, with what was created under its name without an answer. Keys that it holds get their
   * lock-delay.
   */
  async destroy(ctx: Context, consul: Consul): Promise<void> {
    await destroySession(ctx, consul, this.id)
    if (this.#mayHaveDuplicates) await destroySessions(ctx, consul, this.#options)
  }
}

/** Finds all sessions that were created by these terms. */
export function findSessions(ctx: Context, consul: Consul, options: SessionOptions): Promise<string[]> {
  return sessionsOf(ctx, consul, requestOf(options))
}

/** Destroys all sessions that were created by these terms. */
export async function destroySessions(ctx: Context, consul: Consul, options: SessionOptions): Promise<void> {
  for (const id of await findSessions(ctx, consul, options)) await destroySession(ctx, consul, id)
}

function requestOf({ name, timing, checks, behavior = 'release' }: SessionOptions): SessionRequest {
  return { name, behavior, checks, ...timing }
}
