import assert from 'node:assert'
import { AbortReason, aborted, firstOf, sleep, withDeadline, withTimeout } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { HeldLock } from './acquire-options.ts'
import { type ClaimResult, claim } from './claim.ts'
import type { CompoundLock, WatchedKey } from './compound-lock.ts'
import { heldFence } from './holder-record.ts'
import { RENEW_ATTEMPT_MS } from './lease-timing.ts'
import { DEADLINE_PASSED, Loss } from './loss.ts'

/** Most commands are short. The first look begins at the fence, so that nothing is missed meanwhile. */
const WATCH_AFTER_MS = 50
/** How long a single look at a key may take. */
const LOOKING_MS = 500

const SESSION_GONE = new Loss('session-gone', 'Consul no longer knows our session (it expired or was destroyed)')
const RELEASED = new Loss('key-released', 'somebody released the key in our name')
const RELEASED_OR_GONE = new Loss('key-released', 'nobody holds the key (it was released, or our session destroyed)')

/**
 * Watches over a lock that is ours. The lock can leave us at any time (an operator, a dead agent, a cut cable); three
 * witnesses look out for that, and the first to tell wins: the renewals, the deadline, and the key itself.
 */
export class Hold {
  readonly #consul: Consul
  readonly #held: HeldLock
  readonly #onSeen: (entry: Entry) => void
  readonly #loss = new AbortController()
  readonly #end = new AbortController()
  readonly #watching: Promise<void>
  #fence: number
  #isEnding = false

  /** Begins to watch; the caller must `end` it. `onSeen` is given a key of ours as it is whenever it is seen anew. */
  constructor(ctx: Context, consul: Consul, held: HeldLock, onSeen: (entry: Entry) => void = () => {}) {
    assert(held.sessionId === held.session.id, 'a lock is held by the session that is renewed')
    this.#consul = consul
    this.#held = held
    this.#onSeen = onSeen
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

  /**
   * Looks at the session and at each key once, for half a second: whether any of them is seen not to be ours any more.
   * The watch tells which and why, a moment later. A key that was deleted is the watch's to take again. Never rejects.
   */
  async isSeenLost(ctx: Context): Promise<boolean> {
    const { session } = this.#held
    const isElsewhere = ({ key, judge }: WatchedKey) =>
      withDeadline(ctx, LOOKING_MS, (ctx) => readKey(ctx, this.#consul, key, { consistent: true })).then(
        ({ entry }) => {
          const verdict = judge(entry)
          return verdict === 'released' || verdict instanceof Loss
        },
        () => false,
      )
    const looks = this.#watched().map(isElsewhere)
    await session.ask(ctx, this.#consul)
    return (await Promise.all(looks)).includes(true) || session.gone.aborted
  }

  /** Stops watching; settles when no request of the watch is under way any more. */
  async end(): Promise<void> {
    this.#end.abort(new AbortReason('the hold was ended'))
    await this.#watching
  }

  async #watch(ctx: Context): Promise<void> {
    const loss = await firstOf<Loss | undefined>(ctx, [
      (ctx) => this.#sessionGone(ctx),
      (ctx) => this.#deadline(ctx),
      ...this.#watched().map((watched) => (ctx: Context) => this.#key(ctx, watched)),
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

  async #deadline(ctx: Context): Promise<Loss> {
    await this.#held.session.untilOver(ctx)
    return DEADLINE_PASSED
  }

  #watched(): WatchedKey[] {
    const { key, sessionId, value, fence, compound } = this.#held
    const judge = (entry: Entry | undefined) => {
      if (entry === undefined) return 'deleted'
      if (entry.session === sessionId) return 'ours'
      if (entry.session === undefined) return 'released'
      return new Loss('key-taken', `the key is held by somebody else (session ${entry.session})`)
    }
    // Somebody may have asked for a lock between its being handed to us and our seeing that: then it is seen anew at
    // once.
    const fromIndex = heldFence({ value, modifyIndex: fence })
    return [{ key, fromIndex, judge }, ...(compound?.watched(fence) ?? [])]
  }

  async #key(ctx: Context, { key, fromIndex, judge }: WatchedKey): Promise<Loss | undefined> {
    const backoff = new Backoff(ctx.random)
    const read = (ctx: Context, from: object) => readKey(ctx, this.#consul, key, { ...from, consistent: true })
    const query = new BlockingQuery(read, fromIndex)
    await sleep(ctx, WATCH_AFTER_MS)
    for (;;) {
      try {
        const { entry } = await query.next(ctx)
        // Never mistake our own release for somebody's deletion, and take the lock again.
        if (this.#isEnding) return undefined
        const verdict = judge(entry)
        if (entry?.session === this.#held.sessionId) this.#onSeen(entry)
        if (verdict instanceof Loss) return verdict
        if (verdict === 'released') return await this.#whyReleased(ctx)
        const loss = verdict === 'deleted' ? await this.#takeAgain(ctx, key) : undefined
        if (loss) return loss
        backoff.reset()
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        // Trouble on the wire is not a verdict; the deadline judges.
        ctx.log.debug(`the lock's key can't be watched: ${thrown.message}`)
        // The claim of a deleted key may be what failed: a read that waits for a change would leave the lock lying
        // there.
        query.restart()
        await sleep(ctx, backoff.next())
      }
    }
  }

  /**
   * Nobody holds the key. If our session has died, the lock-delay protects us yet; if not, somebody released it.
   * Without an answer we take the worse for true, and don't say which it was.
   */
  async #whyReleased(ctx: Context): Promise<Loss> {
    const { session } = this.#held
    const isAnswered = await session.ask(ctx, this.#consul)
    if (session.gone.aborted) return SESSION_GONE
    return isAnswered ? RELEASED : RELEASED_OR_GONE
  }

  /** Somebody deleted a key of ours. Our session lives, so the lock can be ours again, unless somebody was faster. */
  async #takeAgain(ctx: Context, key: string): Promise<Loss | undefined> {
    const { riders, session, compound } = this.#held
    const late = () => new Failure('unreachable', 'nothing is known of the claim of the key that was deleted')
    const attempt = { seen: undefined, isOurs: true, nowMs: ctx.clock.now().wallMs }
    const riding = riders.flatMap((rider) => rider.claiming(attempt))
    const again = await withTimeout(ctx, RENEW_ATTEMPT_MS, late, (ctx) =>
      compound
        ? claimAnew(ctx, compound, this.#held, riding)
        : claim(ctx, this.#consul, this.#held, undefined, [], riding),
    )
    if (again.kind === 'held') {
      for (const rider of riders) rider.granted?.(again.entries)
      // Two watches may have seen the same.
      if (again.fence === this.#fence) return undefined
      this.#fence = again.fence
      ctx.log.warn(`someone deleted the key ${key} while we held it; took it again (fence ${again.fence})`)
      return undefined
    }
    // A key that goes with its session is closed after that, too.
    if (again.kind === 'lock-delay') await session.ask(ctx, this.#consul)
    if (again.kind === 'session-gone' || session.gone.aborted) return SESSION_GONE
    return new Loss('key-taken', `someone deleted the key ${key}, and it was not ours to take again`)
  }
}

/** Others come and go meanwhile. */
async function claimAnew(
  ctx: Context,
  compound: CompoundLock,
  held: HeldLock,
  riding: readonly TxnOp[],
): Promise<ClaimResult> {
  for (;;) {
    const got = await compound.claim(ctx, held, true, [], riding).catch(asTaken)
    if (got.kind !== 'changed') return got
  }
}

/** A compound lock whose key isn't what it was is somebody else's. */
function asTaken(thrown: unknown): ClaimResult {
  if (thrown instanceof Failure && thrown.code === 'usage') return { kind: 'taken' }
  throw thrown
}
