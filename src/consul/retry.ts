import { sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import type { Failure } from '../base/failure.ts'
import type { Consul } from './consul.ts'
import { isTransient } from './trouble.ts'

/** So often may an address that never spoke as Consul stay silent before that counts as its answer. */
const SILENCES = 3

/** Tries again what fails for passing reasons, and tells of the trouble once, and of its end. */
export class Retry {
  readonly #consul: Consul
  readonly #longestPauseMs: number | undefined
  #silences = 0
  /** The failure that is being sat out just now. */
  trouble: Failure | undefined

  /** `longestPauseMs` is for who has somebody waiting. */
  constructor(consul: Consul, longestPauseMs?: number) {
    this.#consul = consul
    this.#longestPauseMs = longestPauseMs
  }

  /** Settles as `task` does in the end. Rejects with failures that don't pass, or with the signal's reason. */
  async until<T>(ctx: Context, task: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(ctx.random, undefined, this.#longestPauseMs)
    for (;;) {
      try {
        const result = await task()
        this.#over(ctx)
        return result
      } catch (thrown) {
        ctx.signal.throwIfAborted()
        if (!isTransient(thrown, this.#consul.heard) || this.#isMute(thrown)) throw thrown
        this.#begins(ctx, thrown)
      }
      await sleep(ctx, backoff.next())
    }
  }

  #isMute(failure: Failure): boolean {
    if (failure.code !== 'silent') return false
    this.#silences += 1
    return this.#silences >= SILENCES
  }

  #begins(ctx: Context, failure: Failure): void {
    if (!this.trouble) ctx.log.warn(`${failure.message}; trying again until it works`)
    this.trouble = failure
  }

  #over(ctx: Context): void {
    if (this.trouble) ctx.log.warn(`Consul at ${this.#consul.settings.address.text} answers again`)
    this.trouble = undefined
    this.#silences = 0
  }
}
