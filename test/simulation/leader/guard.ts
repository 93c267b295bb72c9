import { sleep } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import type { Guard } from '../../../src/leader/guard.ts'
import { GUARDIAN_SLACK_MS } from '../../../src/lock/deadline.ts'
import type { SimulatedProcess } from '../process.ts'
import { LIMITS, type SimulatedApplication } from './application.ts'

/** What the guardian of an agent does, on its machine's clock. `ctx` is that of a process which nobody stops. */
export class SimulatedGuard implements Guard {
  readonly failed = new AbortController().signal
  readonly #ctx: Context
  readonly #application: SimulatedApplication
  readonly #release: (session: string) => Promise<unknown>
  #session: string | undefined
  #leftMs: (() => number) | undefined
  #isDismissed = false
  #cancel = () => {}

  constructor(
    ctx: Context,
    agent: SimulatedProcess,
    application: SimulatedApplication,
    release: (session: string) => Promise<unknown>,
  ) {
    this.#ctx = ctx
    this.#application = application
    this.#release = release
    agent.onEnd(() => void this.#act())
  }

  session(id: string): void {
    this.#session = id
    this.#arm()
  }

  master(leftMs: (() => number) | undefined): void {
    this.#leftMs = leftMs
    this.#arm()
  }

  calling(): void {
    this.#arm()
  }

  dismiss(): void {
    this.#isDismissed = true
    this.#cancel()
  }

  #arm(): void {
    this.#cancel()
    if (!this.#leftMs) return
    const ms = Math.max(0, this.#leftMs()) + GUARDIAN_SLACK_MS
    this.#cancel = this.#ctx.clock.after(ms, () => void this.#act())
  }

  async #act(): Promise<void> {
    if (this.#isDismissed) return
    this.#cancel()
    // What was told last counts, whatever the agent says when it goes on.
    const [session, isMaster] = [this.#session, this.#leftMs !== undefined]
    await sleep(this.#ctx, LIMITS.graceMs / 2)
    this.#application.endCalls()
    if (isMaster && !(await this.#call('demote', LIMITS.demoteMs))) await this.#call('fence', LIMITS.fenceMs)
    if (session !== undefined) await this.#release(session)
  }

  #call(call: 'demote' | 'fence', limitMs: number): Promise<boolean> {
    return new Promise((resolve) => this.#application.begin(call, undefined, limitMs, resolve))
  }
}
