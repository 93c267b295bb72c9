import assert from 'node:assert'
import { AbortReason, scope, sleep, unlessAborted } from '../../base/abort.ts'
import { Backoff } from '../../base/backoff.ts'
import { Complaint } from '../../base/complaint.ts'
import { type Context, under } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { quiet } from '../../base/quiet-log.ts'
import type { Consul } from '../../consul/consul.ts'
import { acquire } from '../../lock/acquire.ts'
import type { AcquireOptions } from '../../lock/acquire-options.ts'
import type { HeldKey } from '../../lock/claim.ts'
import { type Loss, whenLost } from '../../lock/loss.ts'
import { releaseOnBehalf } from '../../lock/release.ts'
import { type ElectionTerms, recordOnLock } from './election-terms.ts'
import type { LeaderLock, LockListener } from './leader-lock.ts'
import { Leadership } from './leadership.ts'

/** Losses that no lock-delay protects: somebody else may hold the lock already. */
const HURRIED: readonly Loss['kind'][] = ['key-taken', 'key-released']
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** An agent's way to the lock, again and again. Everything that comes of it is told as an event. */
export class Election implements LeaderLock {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #terms: ElectionTerms
  readonly #listener: LockListener
  #withdraw: () => void = () => {}
  #leadership: Leadership | undefined
  /** What Consul may still count as ours, though it is lost. */
  #lost: HeldKey | undefined
  /** The session of a former life that was given back last. */
  #takenBack: string | undefined
  readonly #complaint = new Complaint()
  #campaigns = 0

  constructor(ctx: Context, consul: Consul, terms: ElectionTerms, listener: LockListener) {
    this.#ctx = ctx
    this.#consul = consul
    this.#terms = terms
    this.#listener = listener
  }

  /** The fencing token, while the lock is ours. */
  get fence(): number | undefined {
    return this.#leadership?.fence
  }

  /** How long we may be master without another renewal, in milliseconds. */
  get leaseLeftMs(): number {
    return this.#leadership?.leaseLeftMs ?? 0
  }

  get since(): string | undefined {
    return this.#leadership?.since
  }

  /** Begins to contend; `won` or `withdrawn` follows. */
  async contend(): Promise<void> {
    assert(!this.#leadership, 'nobody would give back a lock that is ours already')
    using campaign = scope(this.#ctx.signal)
    this.#withdraw = () => campaign.abort(new AbortReason('the campaign was given up'))
    const backoff = new Backoff(this.#ctx.random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
    const ctx = under(this.#ctx, campaign.signal)
    await unlessAborted(campaign.signal, this.#terms.registered).catch(() => {})
    while (!campaign.signal.aborted) {
      try {
        await this.#win(ctx)
        return this.#listener.emit({ kind: 'won' })
      } catch (thrown) {
        if (campaign.signal.aborted) break
        if (!(thrown instanceof Failure)) throw thrown
        this.#complain(thrown)
      }
      await sleep(ctx, backoff.next()).catch(() => {})
    }
    this.#listener.emit({ kind: 'withdrawn' })
  }

  withdraw(): void {
    this.#withdraw()
  }

  async #win(ctx: Context): Promise<void> {
    const held = await acquire(quiet(ctx), this.#consul, this.#acquireOptions())
    assert(typeof held === 'object', 'a campaign waits for as long as it takes')
    held.session.onRenewed(() => this.#listener.onRenewed())
    this.#complaint.end()
    const leadership = new Leadership(this.#ctx, this.#consul, this.#terms, held)
    this.#leadership = leadership
    whenLost(leadership.lost, (loss) => this.lose(loss))
  }

  #acquireOptions(): AcquireOptions {
    const { name, keys, timing, identity } = this.#terms
    this.#campaigns += 1
    return {
      name,
      key: keys.lock,
      timing,
      sessionName: `consul-locker leader ${name} ${identity.runId}/${this.#campaigns}`,
      record: (nowMs) => recordOnLock(this.#terms, new Date(nowMs).toISOString(), false),
      once: false,
      ancestors: [],
      onSession: (id) => this.#listener.onSession(id),
    }
  }

  async announce(): Promise<void> {
    await this.#leadership?.announce()
  }

  async recount(): Promise<void> {
    await this.#leadership?.recount()
  }

  /** The lock is ours no more, or is no longer safe. Until `releaseLost` the session is left to itself. */
  lose(loss: Loss): void {
    const leadership = this.#take()
    if (!leadership) return
    this.#ctx.log.warn(`lost the lock ${this.#terms.keys.lock}: ${loss.sentence}`, { loss: loss.kind })
    this.#lost = leadership.held
    leadership.leave()
    this.#listener.emit({ kind: 'lost', hurried: HURRIED.includes(loss.kind), why: loss.sentence })
  }

  handOver(successor: string | undefined): void {
    this.#leadership?.handOver(successor)
  }

  /** Gives the lock back; `released` follows. */
  async release(): Promise<void> {
    await this.#take()?.release()
    this.#listener.emit({ kind: 'released' })
  }

  releaseLost(): void {
    const lost = this.#lost
    this.#lost = undefined
    if (lost) releaseOnBehalf(quiet(this.#ctx), this.#consul, lost)
  }

  takeBack(session: string): void {
    if (this.#leadership || this.#lost || this.#takenBack === session) return
    this.#takenBack = session
    this.#lost = { key: this.#terms.keys.lock, sessionId: session }
  }

  /** Leaves the lock to expire. */
  abandon(): void {
    this.#take()?.leave()
  }

  #take(): Leadership | undefined {
    const leadership = this.#leadership
    this.#leadership = undefined
    return leadership
  }

  #complain(failure: Failure): void {
    const hint = failure.hint === undefined ? '' : ` (${failure.hint})`
    const sentence = `can't contend for the lock: ${failure.message}${hint}; trying again`
    this.#complaint.tell(sentence, (text) => this.#ctx.log.error(text))
  }
}
