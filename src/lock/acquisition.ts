import { aborted, firstOf, withAbortGrace } from '../base/abort.ts'
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
import type { Coming } from './hand-off.ts'
import { withTurn } from './holder-record.ts'
import { LockWait } from './lock-wait.ts'
import { LockWatch } from './lock-watch.ts'
import { Queue } from './queue.ts'
import { QueueMember } from './queue-member.ts'
import { cleanUpAcquisition } from './release.ts'
import type { Advice, NextAttempt } from './rider.ts'
import { prepareRiders, Riding } from './riding.ts'
import type { Session } from './session.ts'
import { Succession } from './succession.ts'
import { WaitReporter } from './wait-reporter.ts'

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
  readonly #wait: LockWait
  /** Absent where a lock is always released before the next one claims it. */
  readonly #succession: Succession | undefined
  /** What is contended for, if it isn't the plain lock. */
  readonly #contest: Contest | undefined
  #request: LockRequest
  /** As we found it when we claimed it, until we know that it is ours. It may tell of runs that never gave it back. */
  #found: Blocker | undefined

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
    if (options.handsOn && !contest && !options.once) this.#succession = new Succession(consul, this.#request)
    this.#wait = new LockWait({
      session,
      watch: this.#watch,
      queue: this.#queue,
      reporter: this.#reporter,
      isContest: contest !== undefined,
      onBehind: (ctx, session) => this.#standBehind(ctx, session),
    })
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
        const leaving = {
          withdraw: async (ctx: Context) => this.#succession?.withdraw(ctx),
          leaveQueue: (ctx: Context) => this.#queue.leave(ctx),
        }
        await cleanUpAcquisition(this.#ctx, this.#consul, held, leaving, isHurried)
      }
    }
    return decision
  }

  async #untilDecided(): Promise<Decision> {
    for (let isLate = false; ; ) {
      const advice = isLate ? 'go' : await this.#prepare()
      if (advice === 'line') {
        if (await this.#wait.untilWorthATry(this.#ctx, 'queued')) continue
        return 'session-gone'
      }
      if (advice !== 'go') return advice
      const handed = isLate ? undefined : this.#handed()
      const got = handed ?? (isLate ? await this.#tryRenewed() : await this.#try())
      if (got.kind === 'session-gone') return 'session-gone'
      isLate = false
      if (got.kind === 'held') {
        const held = this.#won(got, handed !== undefined)
        this.#ctx.signal.throwIfAborted()
        this.#ctx.log.mark('lock obtained')
        if (this.#session.hasTimeToStart()) return held
        isLate = true
      } else if (got.kind === 'refused') {
        this.#riding.refused(got.refused)
      } else if (got.kind === 'denied') {
        this.#riding.denied(got.denied)
      } else if (got.kind === 'changed') {
        await this.#watch.look(this.#ctx)
      } else if (!this.#options.once) {
        if (!(await this.#wait.untilWorthATry(this.#ctx, got.kind))) return 'session-gone'
      } else if (got.kind !== 'queued' || !(await this.#wait.isQueueIdle(this.#ctx))) {
        return this.#wait.giveUp(this.#ctx, got.kind)
      }
    }
  }

  /**
   * What a claim would say of a lock that was handed to us. Who has something to look at before a claim makes one all the
   * same, and so does who has tried to: the lock may be its own.
   */
  #handed(): Extract<ClaimResult, { kind: 'held' }> | undefined {
    const { lastSeen } = this.#watch
    if (!this.#succession?.isHanded || this.#riding.isPrepared || lastSeen?.session !== this.#session.id) {
      return undefined
    }
    this.#request = { ...this.#request, value: lastSeen.value }
    return { kind: 'held', fence: lastSeen.modifyIndex, entries: [] }
  }

  #won({ fence, entries }: Extract<ClaimResult, { kind: 'held' }>, isHanded: boolean): HeldLock {
    const { clock } = this.#ctx
    const coming: Omit<Coming, 'heldMs'> = {
      isFromLine: isHanded || this.#queue.isInLine,
      turn: this.#queue.turn,
      removeTail: isHanded ? this.#queue.removeTail : [],
      ...(isHanded && {
        unread: {
          reading: this.#riding.handed(clock.now().wallMs),
          granted: (entries) => this.#riding.granted(entries),
        },
      }),
    }
    // Claiming it again must not fail for what happened to the queue since.
    this.#watch.markOurs()
    this.#found = undefined
    this.#queue.markAcquired()
    if (!isHanded) this.#riding.granted(entries)
    return {
      ...this.#request,
      session: this.#session,
      fence,
      riders: this.#riding.riders,
      ...this.#kind,
      ...(this.#succession && !this.#watch.contender && { handOff: this.#succession.onwards(this.#ctx, coming) }),
    }
  }

  async #standBehind(ctx: Context, session: string): Promise<void> {
    if (this.#riding.isPrepared) return
    await this.#retrying(ctx, async () => this.#succession?.standBehind(ctx, session, () => this.#newRequest().value))
  }

  #try(): Promise<ClaimResult> {
    this.#request = this.#newRequest()
    const attempt = this.#attempt()
    if (!attempt.isOurs) this.#found = attempt.seen?.session === undefined ? attempt.seen : undefined
    const riding = this.#riding.claiming(attempt)
    const leaving = this.#succession?.claiming() ?? []
    return this.#queue.claimInOrder(this.#ctx, (queueing) =>
      this.#retrying(this.#ctx, () =>
        withAbortGrace(this.#ctx, ABORT_GRACE_MS, (ctx) => this.#claim(ctx, [...queueing, ...leaving], riding)),
      ),
    )
  }

  #claim(ctx: Context, queueing: readonly TxnOp[], riding: readonly TxnOp[]): Promise<ClaimResult> {
    const { contender, lastSeen, isOurs } = this.#watch
    if (contender) return contender.claim(ctx, this.#request, isOurs, queueing, riding)
    return claim(ctx, this.#consul, this.#request, isOurs ? 'ours' : lastSeen, queueing, riding)
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
    const isOurs = this.#watch.isOurs || seen?.session === this.#session.id
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
}
