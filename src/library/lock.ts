import type { Context } from '../base/context.ts'
import { oneLine } from '../base/printable.ts'
import type { Consul } from '../consul/consul.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import { Hold } from '../lock/hold.ts'
import { DEADLINE_PASSED, type Loss, whenLost } from '../lock/loss.ts'
import { release } from '../lock/release.ts'
import { requesterIn } from '../run/release-request.ts'
import { ConsulLockerError, LockLost, type LossName } from './errors.ts'
import type { Lock } from './held.ts'

/** By what a lock is held, and what lets go of its client when it is given back. */
export interface OwnLockDependencies {
  readonly name: string
  readonly runId: string
  readonly consul: Consul
  readonly held: HeldLock
  letGo(): void
}

/** A lock in this process: three witnesses look out for its loss (`Hold`), and a signal tells of it. */
export class OwnLock implements Lock {
  readonly name: string
  readonly key: string
  readonly sessionId: string
  readonly #ctx: Context
  readonly #dependencies: OwnLockDependencies
  readonly #hold: Hold
  readonly #lost = new AbortController()
  readonly #asked = new AbortController()
  #loss: LockLost | undefined
  #givenBack: Promise<boolean> | undefined

  /** Begins to watch over it; who has it gives it back by `release`. */
  constructor(ctx: Context, dependencies: OwnLockDependencies) {
    const { consul, held, runId, name } = dependencies
    this.name = name
    this.key = held.key
    this.sessionId = held.session.id
    this.#ctx = ctx
    this.#dependencies = dependencies
    this.#hold = new Hold(ctx, consul, held, ({ value }) => {
      const by = requesterIn(value, runId)
      if (by !== undefined) this.#heed(oneLine(by, 60))
    })
    whenLost(this.#hold.lost, (loss) => this.#lose(loss))
  }

  get fence(): number {
    return this.#hold.fence
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get asked(): AbortSignal {
    return this.#asked.signal
  }

  get leaseLeftMs(): number {
    if (this.#loss || this.#givenBack) return 0
    return Math.max(0, this.#dependencies.held.session.leaseLeftMs())
  }

  /** How the lock was lost; also looks at the clock, for a timer may come too late. */
  get loss(): LockLost | undefined {
    if (!this.#givenBack && this.#dependencies.held.session.leaseLeftMs() <= 0) this.#lose(DEADLINE_PASSED)
    return this.#loss
  }

  throwIfLost(): void {
    const { loss } = this
    if (loss) throw loss
    if (this.#givenBack) throw new ConsulLockerError('usage', `the lock ${this.name} was given back`)
  }

  /** Has the lock's signal abort for this reason, too. The lock stays ours. */
  interrupt(reason: unknown): void {
    this.#lost.abort(reason)
  }

  release(): Promise<boolean> {
    this.#givenBack ??= this.#giveBack()
    return this.#givenBack
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  #lose(loss: Loss): void {
    if (this.#loss || this.#givenBack) return
    const sentence = `the lock ${this.name} was lost: ${loss.sentence}`
    this.#loss = new LockLost(this.name, loss.kind as LossName, sentence)
    this.#lost.abort(this.#loss)
    this.#ctx.log.error(sentence)
  }

  #heed(by: string): void {
    if (this.#asked.signal.aborted || this.#givenBack) return
    this.#ctx.log.warn(`${by} asks for the lock ${this.name}`)
    // Those who use the library know no `AbortReason`.
    this.#asked.abort(by)
  }

  async #giveBack(): Promise<boolean> {
    const { consul, held, letGo } = this.#dependencies
    this.#hold.expectEnd()
    const isBack = await release(this.#ctx, consul, held)
    await this.#hold.end()
    letGo()
    return isBack
  }
}
