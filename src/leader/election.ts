import { scope, sleep, unlessAborted } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { Stake } from '../lock/claim.ts'
import { claim } from '../lock/claim.ts'
import { contend } from '../lock/contend.ts'
import type { Contest, Held } from '../lock/contest.ts'
import type { Timing } from '../lock/deadline.ts'
import { Hold } from '../lock/hold.ts'
import type { Loss } from '../lock/loss.ts'
import { release, releaseFor } from '../lock/release.ts'
import { bookFailover, bookHandover } from './failovers.ts'
import { hushed } from './hushed.ts'
import type { LeaderKeys } from './leader-keys.ts'
import type { Lock, LockListener } from './lock.ts'
import { recordOf, type Self } from './self.ts'

/** What is contended for. */
export interface ElectionTerms {
  readonly name: string
  readonly keys: LeaderKeys
  readonly timing: Timing
  /** Checks that the sessions depend on beside the node's. */
  readonly checks: readonly string[]
  readonly self: Self
  readonly maxFailoversPerHour: number
  /** Resolves when the checks are registered: before, no session can depend on them. */
  readonly registered: Promise<void>
}

/** Losses that no lock-delay protects: somebody else may hold the lock already. */
const HURRIED: readonly Loss['kind'][] = ['key-taken', 'key-released']
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** A lock that is ours. */
interface Mine {
  readonly held: Held
  readonly hold: Hold
  readonly since: string
  promoted: boolean
  /** Settles when our successor will be no failover. */
  handedOver: Promise<void> | undefined
}

/** An agent's way to the lock, and its hold on it. Everything that comes of it is told as an event. */
export class Election implements Lock {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #terms: ElectionTerms
  readonly #listener: LockListener
  #withdraw: () => void = () => {}
  #mine: Mine | undefined
  /** What Consul may still count as ours, though it is lost. */
  #lost: Stake | undefined
  #complaint = ''
  #contests = 0

  constructor(ctx: Context, consul: Consul, terms: ElectionTerms, listener: LockListener) {
    this.#ctx = ctx
    this.#consul = consul
    this.#terms = terms
    this.#listener = listener
  }

  /** The fencing token, while the lock is ours. */
  get fence(): number | undefined {
    return this.#mine?.hold.fence
  }

  /** The session that holds the lock for us. */
  get sessionId(): string | undefined {
    return this.#mine?.held.session.id
  }

  /** How long we may be master without another renewal, in milliseconds. */
  get leaseLeftMs(): number {
    return this.#mine?.held.session.leaseLeftMs() ?? 0
  }

  get since(): string | undefined {
    return this.#mine?.since
  }

  /** Begins to contend; `won` or `withdrawn` follows. */
  async contend(): Promise<void> {
    using contest = scope(this.#ctx.signal)
    this.#withdraw = () => contest.abort(new Error('the contest was given up'))
    const backoff = new Backoff(this.#ctx.random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
    const ctx = under(this.#ctx, contest.signal)
    await unlessAborted(contest.signal, this.#terms.registered).catch(() => {})
    while (!contest.signal.aborted) {
      try {
        if (await this.#win(ctx)) return this.#listener.tell({ kind: 'won' })
        break
      } catch (thrown) {
        if (contest.signal.aborted) break
        if (!(thrown instanceof Failure)) throw thrown
        this.#complain(thrown)
      }
      await sleep(ctx, backoff.next()).catch(() => {})
    }
    this.#listener.tell({ kind: 'withdrawn' })
  }

  withdraw(): void {
    this.#withdraw()
  }

  /** `false`: the cluster is frozen, or has just become so; then nothing is ours. */
  async #win(ctx: Context): Promise<boolean> {
    const held = await contend(hushed(ctx), this.#consul, this.#contest())
    if (held === 'busy') return false
    held.session.onRenewed(() => this.#listener.renewed())
    const { keys, self, maxFailoversPerHour } = this.#terms
    let isBooked = false
    try {
      isBooked = await bookFailover(this.#ctx, this.#consul, keys, self.node, maxFailoversPerHour)
    } finally {
      if (!isBooked) await release(this.#ctx, this.#consul, held.session, held.stake)
    }
    if (!isBooked) return false
    this.#complaint = ''
    const since = new Date(ctx.clock.now().wallMs).toISOString()
    const hold = new Hold(this.#ctx, this.#consul, held)
    this.#mine = { held, hold, since, promoted: false, handedOver: undefined }
    hold.lost.addEventListener('abort', () => this.lose(hold.lost.reason as Loss), { once: true })
    return true
  }

  #contest(): Contest {
    const { name, keys, timing, checks, self } = this.#terms
    this.#contests += 1
    return {
      name,
      key: keys.lock,
      timing,
      checks: ['serfHealth', ...checks],
      sessionName: `consul-locker leader ${name} ${self.runId}/${this.#contests}`,
      record: (nowMs) => this.#record(new Date(nowMs).toISOString(), false),
      once: false,
      ancestors: [],
      onSession: (id) => this.#listener.session(id),
    }
  }

  #record(since: string, promoted: boolean): string {
    const { name, timing, self } = this.#terms
    return recordOf(self, { name, lockDelayMs: timing.lockDelayMs, since, promoted })
  }

  /** Tells the slaves that the application is master: they follow only then. Tries until it works or we lose the lock. */
  async announce(): Promise<void> {
    const mine = this.#mine
    if (!mine) return
    mine.promoted = true
    const stake = { ...mine.held.stake, value: this.#record(mine.since, true) }
    const backoff = new Backoff(this.#ctx.random)
    while (this.#mine === mine && !this.#ctx.signal.aborted) {
      try {
        await claim(this.#ctx, this.#consul, stake, 'ours')
        return
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        await sleep(this.#ctx, backoff.next()).catch(() => {})
      }
    }
  }

  /** The lock is ours no more, or is no longer safe. Until `settle` the session is left to itself. */
  lose(loss: Loss): void {
    const mine = this.#mine
    if (!mine) return
    this.#ctx.log.warn(`lost the lock ${this.#terms.keys.lock}: ${loss.sentence}`, { loss: loss.kind })
    this.#lost = mine.held.stake
    this.#leave(mine)
    this.#listener.tell({ kind: 'lost', hurried: HURRIED.includes(loss.kind) })
  }

  /** Books that we hand over of our own will, while the application is demoted yet: nobody has to wait for that then. */
  handOver(): void {
    const { keys, self } = this.#terms
    if (this.#mine) this.#mine.handedOver = bookHandover(this.#ctx, this.#consul, keys, self.node)
  }

  /** Gives the lock back; `released` follows. */
  async release(): Promise<void> {
    const mine = this.#mine
    if (mine) {
      this.#mine = undefined
      mine.held.session.onRenewed(() => {})
      await Promise.all([mine.hold.end(), mine.handedOver])
      await release(this.#ctx, this.#consul, mine.held.session, mine.held.stake)
    }
    this.#listener.tell({ kind: 'released' })
  }

  settle(): void {
    const lost = this.#lost
    this.#lost = undefined
    if (lost) releaseFor(hushed(this.#ctx), this.#consul, lost)
  }

  /** Leaves the lock to expire. */
  abandon(): void {
    if (this.#mine) this.#leave(this.#mine)
  }

  #leave({ held, hold }: Mine): void {
    this.#mine = undefined
    held.session.onRenewed(() => {})
    held.session.end()
    hold.end().catch(() => {})
  }

  #complain(failure: Failure): void {
    if (failure.message === this.#complaint) return
    this.#complaint = failure.message
    const hint = failure.hint === undefined ? '' : ` (${failure.hint})`
    this.#ctx.log.error(`can't contend for the lock: ${failure.message}${hint}; trying again`)
  }
}
