import { sleep } from '../../base/abort.ts'
import { Backoff } from '../../base/backoff.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import type { Entry } from '../../consul/kv.ts'
import type { HeldLock } from '../../lock/acquire-options.ts'
import { claim } from '../../lock/claim.ts'
import { Hold } from '../../lock/hold.ts'
import { release } from '../../lock/release.ts'
import { recordHandover, recordPromotion } from '../cluster/failover-limit.ts'
import { type ElectionTerms, recordOnLock } from './election-terms.ts'

/** The lock while it is ours, from the election to the release, or to the loss. */
export class Leadership {
  readonly held: HeldLock
  /** Since when, as an ISO date. */
  readonly since: string
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #terms: ElectionTerms
  readonly #hold: Hold
  #isOver = false
  /** The record of the promoted master, once it is to be on the lock. */
  #announced: string | undefined
  /** Settles when our successor will be no failover. */
  #handedOver: Promise<void> | undefined

  constructor(ctx: Context, consul: Consul, terms: ElectionTerms, held: HeldLock) {
    this.#ctx = ctx
    this.#consul = consul
    this.#terms = terms
    this.held = held
    this.since = new Date(ctx.clock.now().wallMs).toISOString()
    this.#hold = new Hold(ctx, consul, held, (entry) => this.#keepAnnounced(entry))
  }

  /** Aborts when the lock has left us, or is no longer safe; the reason is a `Loss`. */
  get lost(): AbortSignal {
    return this.#hold.lost
  }

  get fence(): number {
    return this.#hold.fence
  }

  /** How long we may be master without another renewal, in milliseconds. */
  get leaseLeftMs(): number {
    return this.held.session.leaseLeftMs()
  }

  /**
   * Tells the slaves that the application is master, for they follow only then, and records that. Tries until it works
   * or this is over.
   */
  async announce(): Promise<void> {
    this.#announced = recordOnLock(this.#terms, this.since, true)
    await this.#writeRecord(this.#announced)
    await this.recount()
  }

  /** Slaves follow, and operators are obeyed, only by this record: whoever writes or deletes the key takes it away. */
  #keepAnnounced({ key, value }: Entry): void {
    if (this.#announced === undefined || value === this.#announced) return
    this.#ctx.log.warn(`the key ${key} didn't say that ${this.#terms.identity.node} is master; wrote it again`)
    this.#writeRecord(this.#announced)
  }

  #writeRecord(value: string): Promise<void> {
    return this.#untilDone(() => claim(this.#ctx, this.#consul, { ...this.held, value }, 'ours'))
  }

  /** Records that the application here is master, and what the failovers amount to. */
  async recount(): Promise<void> {
    const { keys, identity, maxFailoversPerHour } = this.#terms
    await this.#untilDone(() => recordPromotion(this.#ctx, this.#consul, keys, identity.node, maxFailoversPerHour()))
  }

  async #untilDone(work: () => Promise<unknown>): Promise<void> {
    const backoff = new Backoff(this.#ctx.random)
    let complaint = ''
    while (!this.#isOver && !this.#ctx.signal.aborted) {
      try {
        await work()
        return
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        if (thrown.message !== complaint) this.#ctx.log.warn(`${thrown.message}; trying again`)
        complaint = thrown.message
        await sleep(this.#ctx, backoff.next()).catch(() => {})
      }
    }
  }

  /**
   * Records that we hand over of our own will, while the application is demoted yet: nobody has to wait for that then.
   */
  handOver(successor: string | undefined): void {
    const { keys, identity } = this.#terms
    this.#handedOver = recordHandover(this.#ctx, this.#consul, keys, identity.node, successor)
  }

  /** Gives the lock back. */
  async release(): Promise<void> {
    this.#end()
    await Promise.all([this.#hold.end(), this.#handedOver])
    await release(this.#ctx, this.#consul, this.held)
  }

  /** Leaves the lock to expire, and the session to itself. */
  leave(): void {
    this.#end()
    this.held.session.end()
    this.#hold.end().catch(() => {})
  }

  #end(): void {
    this.#isOver = true
    this.held.session.onRenewed(() => {})
  }
}
