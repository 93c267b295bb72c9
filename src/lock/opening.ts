import { lingering, withDeadline } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { Failure, type FailureCode, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { LINGER_MS } from './contest.ts'
import { destroyAll, Session, type SessionTerms, sessionsBy } from './session.ts'

/** Answers that leave no doubt: nothing was created. */
const CLEAR: readonly FailureCode[] = ['refused', 'unknown-token', 'rejected']

const FAREWELL_MS = 2000

/**
 * The way to a session, which may take several tries. A creation whose reply was lost may have had its effect, or have
 * it later: what is found under our name, which nobody else uses, is taken over or destroyed.
 */
export class Opening {
  readonly #consul: Consul
  readonly #terms: SessionTerms
  /** Just before the sending of the first creation that wasn't answered. */
  #inDoubtSince: Instant | undefined

  constructor(consul: Consul, terms: SessionTerms) {
    this.#consul = consul
    this.#terms = terms
  }

  /** Tries once. A signal that aborts meanwhile leaves it the time to hear of what it did. */
  open(ctx: Context): Promise<Session> {
    return lingering(ctx, LINGER_MS, async (ctx) => (await this.#found(ctx)) ?? this.#created(ctx))
  }

  async #found(ctx: Context): Promise<Session | undefined> {
    if (this.#inDoubtSince === undefined) return undefined
    const [id] = await sessionsBy(ctx, this.#consul, this.#terms)
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

  /** Gives up. What came into being unheard is destroyed: in short, and in silence, for it expires by itself. */
  async abandon(ctx: Context): Promise<void> {
    if (this.#inDoubtSince === undefined) return
    try {
      await withDeadline(ctx, FAREWELL_MS, (ctx) => destroyAll(ctx, this.#consul, this.#terms))
    } catch (thrown) {
      ctx.log.debug(`a session may be left to expire: ${messageOf(thrown)}`)
    }
  }
}
