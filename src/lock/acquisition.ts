import { aborted, firstOf, sleep, withAbortGrace } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'
import {
  ABORT_GRACE_MS,
  type AcquireOptions,
  type HeldLock,
  type NotHeld,
  UNWANTED,
  WAIT_OVER,
} from './acquire-options.ts'
import { type ClaimResult, claim, type LockRequest } from './claim.ts'
import type { Blocker, Contest } from './contest.ts'
import { LOCK_DELAY_MAX_MS } from './deadline.ts'
import { lockDelayOf, withTurn } from './holder-record.ts'
import { LockWatch } from './lock-watch.ts'
import { Queue } from './queue.ts'
import { QueueMember, skippable } from './queue-member.ts'
import { cleanUpAcquisition } from './release.ts'
import type { Advice, NextAttempt } from './rider.ts'
import { prepareRiders, Riding } from './riding.ts'
import type { Session } from './session.ts'
import { WaitReporter } from './wait-reporter.ts'

/** Between two tries while Consul keeps the lock closed and we don't know since when. */
const LOCK_DELAY_RETRY_MS = 1000
/** Who tries once gives those in the queue so long to take a free lock, and looks so often whether they have. */
const COURTESY_MS = 1000
const COURTESY_LOOK_MS = 100

/** Nobody waits for the end of a wait that ends for one of these. */
const AT_LEISURE: readonly unknown[] = [WAIT_OVER, UNWANTED]

type Decision = HeldLock | NotHeld | 'session-gone'

/** One session's way to the lock. */
export class Acquisition {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #options: AcquireOptions
  readonly #session: Session
  readonly #retrying: RetryPolicy
  readonly #queue: QueueMember
  readonly #reporter: WaitReporter
  readonly #riding: Riding
  readonly #watch: LockWatch
  /** What is contended for, if it isn't the plain lock. */
  readonly #contest: Contest | undefined
  #request: LockRequest
  /** As we found it when we claimed it, until we know that it is ours. It may tell of runs that never gave it back. */
  #found: Blocker | undefined
  /** We hold it, whatever was seen before. */
  #isOurs = false
  /** When we saw the last holder's session vanish from the key; Consul keeps the lock closed from then on. */
  #lockDelay: { readonly since: Instant; readonly ms: number } | undefined

  /** `sinceMs` is when the wait began, in milliseconds since 1970; the sessions before this one waited, too. */
  constructor(
    ctx: Context,
    consul: Consul,
    options: AcquireOptions,
    session: Session,
    retrying: RetryPolicy,
    sinceMs: number,
    contest?: Contest,
  ) {
    this.#ctx = ctx
    this.#consul = consul
    this.#options = options
    this.#session = session
    this.#retrying = retrying
    this.#riding = new Riding(options.riders)
    this.#watch = new LockWatch(consul, options, retrying, contest)
    this.#reporter = new WaitReporter(ctx, options.name, options.onWaiting)
    this.#contest = contest
    const line = this.#contest?.line ?? new Queue(consul, options.key, session.id)
    this.#queue = new QueueMember(line, retrying, () => ({ record: options.record(sinceMs), sinceMs }))
    this.#request = this.#newRequest()
  }

  /** Clears away the session, and what it may have got, unless it settles with the lock. */
  async run(): Promise<Decision> {
    const { signal } = this.#ctx
    let decision: Decision | undefined
    try {
      await this.#options.onSession(this.#session.id)
      decision = await this.#untilDecided()
    } finally {
      if (typeof decision !== 'object') {
        const isHurried = signal.aborted ? !AT_LEISURE.includes(signal.reason) : decision === undefined
        const held = {
          ...this.#request,
          session: this.#session,
          riders: this.#riding.riders,
          ...this.#kind,
          found: this.#found,
        }
        await cleanUpAcquisition(this.#ctx, this.#consul, held, (ctx) => this.#queue.leave(ctx), isHurried)
      }
    }
    return decision
  }

  async #untilDecided(): Promise<Decision> {
    for (let isLate = false; ; ) {
      const advice = isLate ? 'go' : await this.#prepare()
      if (advice === 'line') {
        if (await this.#untilWorthATry('queued')) continue
        return 'session-gone'
      }
      if (advice !== 'go') return advice
      const got = isLate ? await this.#tryRenewed() : await this.#try()
      if (got.kind === 'session-gone') return 'session-gone'
      isLate = false
      if (got.kind === 'held') {
        // Claiming it again must not fail for what happened to the queue since.
        this.#isOurs = true
        this.#found = undefined
        this.#queue.markAcquired()
        this.#riding.granted(got.entries)
        this.#ctx.signal.throwIfAborted()
        this.#ctx.log.mark('lock obtained')
        if (this.#session.hasTimeToStart()) {
          return {
            ...this.#request,
            session: this.#session,
            fence: got.fence,
            riders: this.#riding.riders,
            ...this.#kind,
          }
        }
        isLate = true
      } else if (got.kind === 'refused') {
        this.#riding.refused(got.refused)
      } else if (got.kind === 'denied') {
        this.#riding.denied(got.denied)
      } else if (got.kind === 'changed') {
        await this.#look(this.#ctx)
      } else if (!this.#options.once) {
        if (!(await this.#untilWorthATry(got.kind))) return 'session-gone'
      } else if (got.kind !== 'queued' || !(await this.#isQueueIdle(this.#ctx))) {
        return this.#giveUp(got.kind)
      }
    }
  }

  #try(): Promise<ClaimResult> {
    this.#request = this.#newRequest()
    const attempt = this.#attempt()
    if (!attempt.isOurs) this.#found = attempt.seen?.session === undefined ? attempt.seen : undefined
    const riding = this.#riding.claiming(attempt)
    return this.#queue.claimInOrder(this.#ctx, (queueing) =>
      this.#retrying(this.#ctx, () =>
        withAbortGrace(this.#ctx, ABORT_GRACE_MS, (ctx) => this.#claim(ctx, queueing, riding)),
      ),
    )
  }

  #claim(ctx: Context, queueing: readonly TxnOp[], riding: readonly TxnOp[]): Promise<ClaimResult> {
    const { contender, lastSeen } = this.#watch
    if (contender) return contender.claim(ctx, this.#request, this.#isOurs, queueing, riding)
    return claim(ctx, this.#consul, this.#request, this.#isOurs ? 'ours' : lastSeen, queueing, riding)
  }

  async #prepare(): Promise<Advice | 'session-gone'> {
    if (!this.#riding.isPrepared) return 'go'
    const advice = await firstOf<Advice | 'session-gone'>(this.#ctx, [
      (ctx) => prepareRiders(ctx, this.#riding.riders, this.#attempt(), this.#retrying),
      async (ctx) => {
        await Promise.race([aborted(this.#session.gone), aborted(ctx.signal)])
        return 'session-gone'
      },
    ])
    return this.#session.gone.aborted ? 'session-gone' : advice
  }

  #attempt(): NextAttempt {
    const seen = this.#watch.lastSeen
    const isOurs = this.#isOurs || seen?.session === this.#session.id
    return {
      consul: this.#consul,
      seen,
      isOurs,
      nowMs: this.#ctx.clock.now().wallMs,
      once: this.#options.once,
      tell: (sentence) => this.#reporter.tell(sentence),
    }
  }

  /**
   * Renews the session and claims the lock anew, for it may leave us meanwhile. Both at once: where answers take long,
   * one after the other would never leave enough of the lease.
   */
  async #tryRenewed(): Promise<ClaimResult> {
    const renew = () => this.#session.renew(this.#ctx, this.#consul, REQUEST_TIMEOUT_MS)
    const [renewed, got] = await Promise.allSettled([this.#retrying(this.#ctx, renew), this.#try()])
    if (renewed.status === 'rejected') throw renewed.reason
    if (got.status === 'rejected') throw got.reason
    return this.#session.gone.aborted ? { kind: 'session-gone' } : got.value
  }

  #newRequest(): LockRequest {
    const { key: plainKey, record } = this.#options
    const key = this.#contest?.key ?? plainKey
    const value = withTurn(record(this.#ctx.clock.now().wallMs, this.#watch.lastSeen), this.#queue.turn)
    return { key, value, sessionId: this.#session.id }
  }

  get #kind(): Pick<HeldLock, 'contest'> {
    return this.#contest ? { contest: this.#contest } : {}
  }

  async #giveUp(why: 'taken' | 'lock-delay' | 'queued'): Promise<'busy'> {
    const entry = await this.#look(this.#ctx)
    if (entry) this.#watch.checkHolder(entry)
    this.#reporter.gaveUp(why, entry, this.#longestLockDelayMs(entry))
    return 'busy'
  }

  /** Whether those in the queue are gone, or leave a free lock alone. */
  async #isQueueIdle(ctx: Context): Promise<boolean> {
    if (await this.#queue.isAbandoned(ctx)) return true
    for (const start = ctx.clock.now(); ctx.clock.since(start) < COURTESY_MS; ) {
      await this.#look(ctx)
      if (!this.#watch.isFree) return false
      await sleep(ctx, COURTESY_LOOK_MS)
    }
    if (this.#queue.mustWait) return false
    this.#queue.bypass()
    return true
  }

  /** Waits until the lock may be free and it's our turn; `false` when our session is gone by then. */
  async #untilWorthATry(why: 'taken' | 'lock-delay' | 'queued'): Promise<boolean> {
    const wait = async (ctx: Context) => {
      if (!(await this.#untilOurTurn(ctx))) return
      if (why === 'lock-delay') await this.#untilLockDelayOver(ctx)
      else await this.#untilReleased(ctx)
    }
    const gone = async (ctx: Context) => {
      await Promise.race([aborted(this.#session.gone), aborted(ctx.signal)])
    }
    await firstOf(this.#ctx, [wait, gone])
    return !this.#session.gone.aborted
  }

  /** `false` when it isn't our turn, but the lock is ours already, or those before us don't take it. */
  async #untilOurTurn(ctx: Context): Promise<boolean> {
    let idleSince: Instant | undefined
    for (;;) {
      const entry = await this.#look(ctx)
      if (entry?.session === this.#session.id) {
        // A claim had its effect, and its reply was lost.
        this.#queue.markAcquired()
        return false
      }
      const { isFree, contender } = this.#watch
      if (!isFree) idleSince = undefined
      const ahead = await this.#queue.ahead(ctx, {
        holder: entry?.session,
        plain: contender ? undefined : entry,
        state: idleSince ? 'idle' : isFree ? 'free' : 'held',
      })
      if (ahead === 0) return true
      if (entry) this.#watch.checkHolder(entry)
      if (ahead !== undefined) {
        if (idleSince && !this.#queue.mustWait && ahead <= skippable(ctx.clock.since(idleSince))) return false
        this.#reporter.queued(ahead, entry)
      }
      const seenAt = ctx.clock.now()
      if (await this.#queue.untilMoved(ctx, isFree)) idleSince = undefined
      else if (isFree) idleSince ??= seenAt
    }
  }

  async #untilReleased(ctx: Context): Promise<void> {
    let holder: Blocker | undefined
    for (;;) {
      const entry = this.#watch.lastSeen
      // Our own: an older state that was restored, or a claim that we took for refused. Trying again tells.
      if (entry?.session === this.#session.id) return
      if (!entry?.session) {
        this.#lockDelay = holder && { since: ctx.clock.now(), ms: lockDelayOf(holder.value) }
        return
      }
      holder = entry
      this.#watch.checkHolder(holder)
      this.#reporter.heldBy(holder)
      await this.#untilChanged(ctx)
    }
  }

  #look(ctx: Context): Promise<Blocker | undefined> {
    this.#isOurs = false
    return this.#watch.look(ctx)
  }

  #untilChanged(ctx: Context): Promise<Blocker | undefined> {
    this.#isOurs = false
    return this.#watch.untilChanged(ctx)
  }

  /** Nothing wakes a waiter at the end of a lock-delay, and Consul doesn't say when it began. */
  async #untilLockDelayOver(ctx: Context): Promise<void> {
    const known = this.#lockDelay
    this.#lockDelay = undefined
    // Of several holders others may go meanwhile.
    const leftMs = known && !this.#contest ? known.ms - ctx.clock.since(known.since) : 0
    this.#reporter.lockDelayed(leftMs > 0 ? leftMs : this.#longestLockDelayMs(this.#watch.lastSeen))
    await sleep(ctx, Math.max(leftMs, LOCK_DELAY_RETRY_MS * (0.5 + ctx.random() / 2)))
  }

  /** The lock-delay of who was cut off, as far as its record tells. */
  #longestLockDelayMs(entry: Blocker | undefined): number {
    const told = entry ? lockDelayOf(entry.value) : 0
    return told > 0 && told < LOCK_DELAY_MAX_MS ? told : LOCK_DELAY_MAX_MS
  }
}
