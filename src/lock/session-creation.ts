import { withAbortGrace, withDeadline } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { Failure, type FailureCode, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { ABORT_GRACE_MS } from './acquire-options.ts'
import { destroySessions, findSessions, Session, type SessionOptions } from './session.ts'

/** Answers that leave no doubt: nothing was created. */
const CLEAR: readonly FailureCode[] = ['refused', 'unknown-token', 'rejected']

const ABANDON_MS = 2000

/**
 * The way to a session, which may take several tries. A creation whose reply was lost may have had its effect, or have
 * it later: what is found under our name, which nobody else uses, is taken over or destroyed.
 */
export class SessionCreation {
  readonly #consul: Consul
  readonly #terms: SessionOptions
  /** Just before the sending of the first creation that wasn't answered. */
  #inDoubtSince: Instant | undefined

  constructor(consul: Consul, options: SessionOptions) {
    this.#consul = consul
    this.#terms = options
  }

  /** Tries once. A signal that aborts meanwhile leaves it the time to hear of what it did. */
  attempt(ctx: Context): Promise<Session> {
    return withAbortGrace(ctx, ABORT_GRACE_MS, async (ctx) => (await this.#found(ctx)) ?? this.#created(ctx))
  }

  async #found(ctx: Context): Promise<Session | undefined> {
    if (this.#inDoubtSince === undefined) return undefined
    const [id] = await findSessions(ctx, this.#consul, this.#terms)
    if (id === undefined) return undefined
    ctx.log.debug(`the session ${id} was created, though its reply was lost`)
    return Session.adopt(ctx, this.#consul, this.#terms, id, this.#inDoubtSince)
  }

  async #created(ctx: Context): Promise<Session> {
    const sentAt = ctx.clock.now()
    try {
      return await Session.create(ctx, this.#consul, this.#terms, this.#inDoubtSince !== undefined)
    } catch (thrown) {
      if (!(thrown instanceof Failure) || !CLEAR.includes(thrown.code)) this.#inDoubtSince ??= sentAt
      throw thrown
    }
  }

  /** Gives up. What was created without an answer is destroyed: in short, and in silence, for it expires by itself. */
  async abandon(ctx: Context): Promise<void> {
    if (this.#inDoubtSince === undefined) return
    try {
      await withDeadline(ctx, ABANDON_MS, (ctx) => destroySessions(ctx, this.#consul, this.#terms))
    } catch (thrown) {
      ctx.log.debug(`a session may be left to expire: ${messageOf(thrown)}`)
    }
  }
}
