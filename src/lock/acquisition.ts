import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import { type AcquireOptions, type HeldLock, type NotHeld, UNWANTED, WAIT_OVER } from './acquire-options.ts'
import type { ClaimResult } from './claim.ts'
import { Claimant } from './claimant.ts'
import type { CompoundLock } from './compound-lock.ts'
import type { LockOrigin } from './hand-off.ts'
import { LockWait } from './lock-wait.ts'
import { LockWatch } from './lock-watch.ts'
import { Queue } from './queue.ts'
import { QueueMember } from './queue-member.ts'
import { cleanUpAcquisition } from './release.ts'
import { Riders } from './riders.ts'
import type { Session } from './session.ts'
import { Succession } from './succession.ts'
import { WaitReporter } from './wait-reporter.ts'

/** Nobody waits for the end of a wait that ends for one of these. */
const AT_LEISURE: readonly unknown[] = [WAIT_OVER, UNWANTED]

type Decision = HeldLock | NotHeld | 'session-gone'

type Held = Extract<ClaimResult, { kind: 'held' }>

/** One session's way to the lock. */
export class Acquisition {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #options: AcquireOptions
  readonly #session: Session
  readonly #retrying: RetryPolicy
  readonly #queue: QueueMember
  readonly #riders: Riders
  readonly #watch: LockWatch
  readonly #wait: LockWait
  readonly #claimant: Claimant
  /** Absent where a lock is always released before the next one claims it. */
  readonly #succession: Succession | undefined
  readonly #compound: CompoundLock | undefined

  /** `sinceMs` is when the wait began, in milliseconds since 1970; the sessions before this one waited, too. */
  constructor(
    ctx: Context,
    consul: Consul,
    options: AcquireOptions,
    session: Session,
    retrying: RetryPolicy,
    sinceMs: number,
    compound?: CompoundLock,
  ) {
    this.#ctx = ctx
    this.#consul = consul
    this.#options = options
    this.#session = session
    this.#retrying = retrying
    this.#compound = compound
    const line = compound?.line ?? new Queue(consul, options.key, session.id)
    const reporter = new WaitReporter(ctx, options.name, options.onWaiting)
    const riders = new Riders(options.riders)
    const watch = new LockWatch(consul, options, retrying, compound)
    const queue = new QueueMember(line, retrying, () => ({ record: options.record(sinceMs), sinceMs }))
    const tell = (sentence: string) => reporter.tell(sentence)
    const onBehind = (ctx: Context, session: string) => this.#standBehind(ctx, session)
    this.#riders = riders
    this.#watch = watch
    this.#queue = queue
    this.#claimant = new Claimant(ctx, { consul, options, session, retrying, riders, watch, queue, tell, compound })
    this.#wait = new LockWait({ session, watch, queue, reporter, isCompound: compound !== undefined, onBehind })
    if (options.handsOn && !compound) {
      this.#succession = new Succession(consul, { key: options.key, sessionId: session.id })
    }
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
        const { request, found } = this.#claimant
        const held = { ...request, session: this.#session, riders: this.#riders.all, ...this.#kind, found }
        const queueCleanUp = {
          withdraw: async (ctx: Context) => this.#succession?.withdraw(ctx),
          leaveQueue: (ctx: Context) => this.#queue.leave(ctx),
        }
        await cleanUpAcquisition(this.#ctx, this.#consul, held, queueCleanUp, isHurried)
      }
    }
    return decision
  }

  async #untilDecided(): Promise<Decision> {
    const succession = this.#succession
    for (let isLate = false; ; ) {
      const advice = isLate ? 'go' : await this.#claimant.prepare()
      if (advice === 'line') {
        if (await this.#wait.untilWorthATry(this.#ctx, 'queued')) continue
        return 'session-gone'
      }
      if (advice !== 'go') return advice
      const handed = isLate ? undefined : this.#handed()
      const got = handed ?? (await (isLate ? this.#claimant.tryRenewed(succession) : this.#claimant.try(succession)))
      if (got.kind === 'session-gone') return 'session-gone'
      isLate = false
      if (got.kind === 'held') {
        const held = this.#won(got, handed !== undefined)
        this.#ctx.signal.throwIfAborted()
        this.#ctx.log.mark('lock obtained')
        if (this.#session.hasTimeToStart()) return held
        isLate = true
      } else if (got.kind === 'refused') {
        this.#riders.refused(got.refused)
      } else if (got.kind === 'denied') {
        this.#riders.denied(got.denied)
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
   * What a claim would say of a lock that was handed to us. When something is to be looked at before a claim, we make
   * one all the same, and so we do when we have tried to: the lock may be ours by that.
   */
  #handed(): Held | undefined {
    const { lastSeen } = this.#watch
    if (!this.#succession?.isHanded || this.#riders.isPrepared || lastSeen?.session !== this.#session.id) {
      return undefined
    }
    this.#claimant.won(lastSeen.value)
    return { kind: 'held', fence: lastSeen.modifyIndex, entries: [] }
  }

  #won({ fence, entries }: Held, isHanded: boolean): HeldLock {
    const { clock } = this.#ctx
    const origin: Omit<LockOrigin, 'heldMs'> = {
      isFromLine: isHanded || this.#queue.isInLine,
      turn: this.#queue.turn,
      removeTail: isHanded ? this.#queue.removeTail : [],
      ...(isHanded && {
        unread: {
          reading: this.#riders.handed(clock.now().wallMs),
          granted: (entries) => this.#riders.granted(entries),
        },
      }),
    }
    // Claiming it again must not fail for what happened to the queue since.
    this.#watch.markOurs()
    this.#claimant.won(this.#claimant.request.value)
    this.#queue.markAcquired()
    if (!isHanded) this.#riders.granted(entries)
    return {
      ...this.#claimant.request,
      session: this.#session,
      fence,
      riders: this.#riders.all,
      ...this.#kind,
      ...(this.#succession && !this.#watch.claimable && { handOff: this.#succession.onwards(this.#ctx, origin) }),
    }
  }

  async #standBehind(ctx: Context, session: string): Promise<void> {
    if (this.#riders.isPrepared) return
    await this.#retrying(ctx, async () =>
      this.#succession?.standBehind(ctx, session, () => this.#claimant.newRequest().value),
    )
  }

  get #kind(): Pick<HeldLock, 'compound'> {
    return this.#compound ? { compound: this.#compound } : {}
  }
}
