import { aborted, firstOf, sleep, unlessAborted, withDeadline, within } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { claim } from './claim.ts'
import type { Held } from './contest.ts'
import { RENEW_ATTEMPT_MS } from './deadline.ts'
import { DEADLINE, type Loss } from './loss.ts'

/**
 * The deadline is looked at so often: a machine that was suspended must learn of it soon after it woke. Each look costs
 * an idle holder some milliseconds of CPU, most of it to get its code back into the caches.
 */
const TICK_MS = 5000
const LONG_POLL_MS = 30_000
/** Most commands are short. The first look begins at the fence, so that nothing is missed meanwhile. */
const WATCH_AFTER_MS = 50
/** How long we take to find out why the key was let go. */
const ASKING_MS = 500

const SESSION_GONE: Loss = {
  kind: 'session-gone',
  sentence: 'Consul no longer knows our session (it expired or was destroyed)',
}

/**
 * Watches over a lock that is ours. The lock can leave us at any time (an operator, a dead agent, a cut cable); three
 * witnesses look out for that, and the first to tell wins: the renewals, the deadline, and the key itself.
 */
export class Hold {
  readonly #consul: Consul
  readonly #held: Held
  readonly #loss = new AbortController()
  readonly #end = new AbortController()
  readonly #watching: Promise<void>
  #fence: number
  #isEnding = false

  /** Begins to watch; the caller must `end` it. */
  constructor(ctx: Context, consul: Consul, held: Held) {
    this.#consul = consul
    this.#held = held
    this.#fence = held.fence
    this.#watching = this.#watch({ ...ctx, signal: this.#end.signal })
  }

  /** Aborts when the lock is lost or must be treated so; the reason is a `Loss`. */
  get lost(): AbortSignal {
    return this.#loss.signal
  }

  /** The fencing token: the key's ModifyIndex when we got it. It changes when the key was deleted and taken again. */
  get fence(): number {
    return this.#fence
  }

  /** The lock is about to be given back: from now on nothing is a loss. */
  expectEnd(): void {
    this.#isEnding = true
  }

  /** Stops watching; settles when no request of the watch is under way any more. */
  async end(): Promise<void> {
    this.#end.abort(new Error('the hold was ended'))
    await this.#watching
  }

  async #watch(ctx: Context): Promise<void> {
    const loss = await firstOf<Loss | undefined>(ctx, [
      (ctx) => this.#sessionGone(ctx),
      (ctx) => this.#deadline(ctx),
      (ctx) => this.#key(ctx),
    ]).catch((thrown: unknown) => {
      if (!ctx.signal.aborted) throw thrown
      return undefined
    })
    if (loss && !this.#isEnding) this.#loss.abort(loss)
  }

  async #sessionGone(ctx: Context): Promise<Loss | undefined> {
    await Promise.race([aborted(this.#held.session.gone), aborted(ctx.signal)])
    if (!this.#held.session.gone.aborted) return undefined
    return SESSION_GONE
  }

  #deadline(ctx: Context): Promise<Loss> {
    const { promise, resolve } = Promise.withResolvers<Loss>()
    let cancel = () => {}
    const look = () => {
      const leftMs = this.#held.session.leaseLeftMs()
      if (leftMs <= 0) resolve(DEADLINE)
      else cancel = ctx.clock.after(Math.min(leftMs, TICK_MS), look)
    }
    look()
    return unlessAborted(ctx.signal, promise).finally(() => cancel())
  }

  async #key(ctx: Context): Promise<Loss | undefined> {
    const { key } = this.#held.stake
    const backoff = new Backoff(ctx.random)
    let index = this.#held.fence
    await sleep(ctx, WATCH_AFTER_MS)
    for (;;) {
      try {
        const reading = await readKey(ctx, this.#consul, key, { index, waitMs: LONG_POLL_MS, consistent: true })
        // Never mistake our own release for somebody's deletion, and take the lock again.
        if (this.#isEnding) return undefined
        const loss = await this.#lossBy(ctx, reading.entry)
        if (loss) return loss
        index = reading.index
        backoff.reset()
      } catch (thrown) {
        ctx.signal.throwIfAborted()
        if (!(thrown instanceof Failure)) throw thrown
        // Trouble on the wire is not a verdict; the deadline judges.
        ctx.log.debug(`the lock's key can't be watched: ${thrown.message}`)
        index = 0
        await sleep(ctx, backoff.next())
      }
    }
  }

  async #lossBy(ctx: Context, entry: Entry | undefined): Promise<Loss | undefined> {
    if (entry === undefined) return this.#takeAgain(ctx)
    if (entry.session === this.#held.stake.sessionId) return undefined
    if (entry.session === undefined) return this.#letGo(ctx)
    return { kind: 'key-taken', sentence: `the key is held by somebody else (session ${entry.session})` }
  }

  /** Nobody holds the key. If our session has died, the lock-delay protects us yet; if not, somebody released it. */
  async #letGo(ctx: Context): Promise<Loss> {
    const { session } = this.#held
    await withDeadline(ctx, ASKING_MS, (ctx) => session.renew(ctx, this.#consul)).catch(() => {})
    if (session.gone.aborted) return SESSION_GONE
    return { kind: 'key-released', sentence: 'somebody released the key in our name' }
  }

  /** Somebody deleted our key. Our session lives, so the lock can be ours again, unless somebody was faster. */
  async #takeAgain(ctx: Context): Promise<Loss | undefined> {
    const { key } = this.#held.stake
    const late = () => new Failure('unreachable', 'nothing is known of the claim of the key that was deleted')
    const again = await within(ctx, RENEW_ATTEMPT_MS, late, (ctx) =>
      claim(ctx, this.#consul, this.#held.stake, undefined),
    )
    if (again.kind === 'held') {
      this.#fence = again.fence
      ctx.log.warn(`someone deleted the key ${key} while we held it; took it again (fence ${again.fence})`)
      return undefined
    }
    if (again.kind === 'session-gone') return SESSION_GONE
    return { kind: 'key-taken', sentence: `someone deleted the key ${key}, and it was not ours to take again` }
  }
}
