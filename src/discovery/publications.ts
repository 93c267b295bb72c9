import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { type TokenList, withServers } from './token-list.ts'

const CHANGE_MS = 15_000

/**
 * What is to become of a token's servers, those that have expired left out; what is added expires at `untilMs`. A list
 * that stays as it is is the same object.
 */
export type TokenChange = (list: TokenList, untilMs: number) => TokenList

/** Changes a token, and settles with whether it is there. */
type Apply = (ctx: Context, token: string, change: TokenChange) => Promise<boolean>

/** What somebody wants to add, and who is to hear of it. */
interface Publication {
  readonly servers: readonly string[]
  readonly settle: PromiseWithResolvers<boolean>
}

/** Publications under tokens: however many come for one while it is changed, they are its next change. */
export class Publications {
  readonly #ctx: Context
  readonly #apply: Apply
  readonly #waiting = new Map<string, Publication[]>()

  constructor(ctx: Context, apply: Apply) {
    this.#ctx = ctx
    this.#apply = apply
  }

  /** Settles with whether there is such a token; rejects with what is wrong with these servers, or with the change. */
  add(token: string, servers: readonly string[]): Promise<boolean> {
    const publication = { servers, settle: Promise.withResolvers<boolean>() }
    const waiting = this.#waiting.get(token)
    if (waiting) waiting.push(publication)
    else {
      this.#waiting.set(token, [publication])
      void this.#takeIn(token)
    }
    return publication.settle.promise
  }

  /** Takes in what is published under a token, until nothing waits. Never rejects. */
  async #takeIn(token: string): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(token)?.splice(0) ?? []
      if (batch.length === 0) break
      try {
        await withDeadline(this.#ctx, CHANGE_MS, (ctx) => this.#takeInAtOnce(ctx, token, batch))
      } catch (thrown) {
        for (const { settle } of batch) settle.reject(thrown)
      }
    }
    this.#waiting.delete(token)
  }

  /** Takes in publications as one change; what is too much for the token is refused to its own sender. */
  async #takeInAtOnce(ctx: Context, token: string, batch: readonly Publication[]): Promise<void> {
    const refused = new Map<Publication, unknown>()
    const isThere = await this.#apply(ctx, token, (list, untilMs) => {
      refused.clear()
      return batch.reduce((list, publication) => {
        try {
          return withServers(list, publication.servers, untilMs)
        } catch (thrown) {
          refused.set(publication, thrown)
          return list
        }
      }, list)
    })
    for (const publication of batch) {
      if (refused.has(publication)) publication.settle.reject(refused.get(publication))
      else publication.settle.resolve(isThere)
    }
  }
}
