import { sleep } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import type { AgentGuardian, MasterTime } from '../../../src/leader/guardian/agent-guardian.ts'
import { GUARDIAN_SLACK_MS } from '../../../src/lock/lease-timing.ts'
import type { SimulatedProcess } from '../process.ts'
import { LIMITS, type SimulatedApplication } from './application.ts'

/** What the guardian of an agent does, on its machine's clock. `ctx` is that of a process which nobody stops. */
export class SimulatedAgentGuardian implements AgentGuardian {
  readonly failed = new AbortController().signal
  readonly #ctx: Context
  readonly #application: SimulatedApplication
  readonly #release: (session: string) => Promise<unknown>
  #session: string | undefined
  #time: (() => MasterTime) | undefined
  /** By when the application must be no master any more. */
  #deadAtMs = Number.POSITIVE_INFINITY
  #isDismissed = false
  #isAtWork: Promise<unknown> = Promise.resolve()
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
    agent.onEnd(() => this.#begin())
  }

  /** Settles when it is at no work. */
  get rests(): Promise<unknown> {
    return this.#isAtWork
  }

  /** Dies with its agent, as at a KILL of all that there is in a cgroup; so do calls under way. */
  kill(): void {
    this.dismiss()
    this.#application.endCalls()
  }

  setSession(id: string): void {
    this.#session = id
    this.#arm()
  }

  setMaster(time: (() => MasterTime) | undefined): void {
    this.#time = time
    this.#arm()
  }

  setCallGroup(): void {
    this.#arm()
  }

  dismiss(): void {
    this.#isDismissed = true
    this.#cancel()
  }

  #arm(): void {
    this.#cancel()
    if (!this.#time) return
    const { leftMs, restMs } = this.#time()
    const ms = Math.max(0, leftMs) + GUARDIAN_SLACK_MS
    this.#deadAtMs = this.#nowMs + ms + restMs
    this.#cancel = this.#ctx.clock.after(ms, () => this.#begin())
  }

  #begin(): void {
    this.#isAtWork = this.#act()
  }

  async #act(): Promise<void> {
    if (this.#isDismissed) return
    this.#cancel()
    // What was told last counts, whatever the agent says when it goes on.
    const [session, isMaster] = [this.#session, this.#time !== undefined]
    await sleep(this.#ctx, LIMITS.graceMs / 2)
    this.#application.endCalls()
    if (isMaster) await this.#demoteOrFence()
    if (session !== undefined) await this.#release(session)
  }

  /** As `dead-agent.ts` does it. */
  async #demoteOrFence(): Promise<void> {
    const leftMs = () => Math.max(1000, this.#deadAtMs - this.#nowMs)
    const demoteMs = Math.min(LIMITS.demoteMs, this.#deadAtMs - this.#nowMs - LIMITS.fenceMs)
    if (demoteMs >= 1000 && (await this.#call('demote', demoteMs))) return
    await this.#call('fence', Math.min(LIMITS.fenceMs, leftMs()))
  }

  get #nowMs(): number {
    return this.#ctx.clock.now().monotonicMs
  }

  #call(call: 'demote' | 'fence', limitMs: number): Promise<boolean> {
    return new Promise((resolve) => this.#application.begin(call, undefined, limitMs, resolve))
  }
}
