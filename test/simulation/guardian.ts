import type { Context } from '../../src/base/context.ts'
import type { Guardian } from '../../src/child/guardian.ts'
import { NOT_STARTED } from '../../src/child/guardian-arguments.ts'
import type { SimulatedCommand } from './command.ts'
import type { SimulatedProcess } from './process.ts'

const RESTART_MS = 5

/** What the guardian's shell does, on its machine's clock. `ctx` is that of a process which nobody stops. */
export class SimulatedGuardian implements Guardian {
  readonly failed = new AbortController().signal
  readonly #ctx: Context
  readonly #graceMs: number
  readonly #runner: SimulatedProcess
  readonly #release: (session: string, ended: string) => Promise<unknown>
  #ended = ''
  command: SimulatedCommand | undefined
  #session = ''
  #orders: 'armed' | 'disarmed' | 'dismissed' = 'armed'
  #deadlineMs = Number.POSITIVE_INFINITY
  #killAtMs = Number.POSITIVE_INFINITY
  #isKilled = false
  #cancel = () => {}

  constructor(
    ctx: Context,
    graceMs: number,
    runner: SimulatedProcess,
    release: (session: string, ended: string) => Promise<unknown>,
  ) {
    this.#ctx = ctx
    this.#graceMs = graceMs
    this.#runner = runner
    this.#release = release
    runner.onEnd(() => {
      if (!this.#isKilled) this.#act()
    })
  }

  async ready(): Promise<void> {}

  setSession(session: string): void {
    this.#session = session
  }

  arm(_group: number, ms: number, restMs = this.#graceMs): void {
    this.#deadlineMs = this.#nowMs() + ms
    this.#killAtMs = this.#deadlineMs + restMs
    this.#setTimer()
  }

  disarm(ended = ''): void {
    this.#orders = 'disarmed'
    this.#ended = ended
    this.#cancel()
  }

  handOver(): void {}

  dismiss(): void {
    this.#orders = 'dismissed'
    this.#cancel()
  }

  /** Its timer lives on; the runner, if it can, starts another guardian and ends that timer. */
  kill(): void {
    if (this.#orders === 'dismissed') return
    this.#isKilled = true
    this.#runner.enter(() => {
      this.#ctx.clock.after(RESTART_MS, () => {
        this.#isKilled = false
        if (this.#runner.isDead) this.#act()
        else if (this.#orders === 'armed' && this.#deadlineMs < Number.POSITIVE_INFINITY) this.#setTimer()
      })
    })
  }

  #setTimer(): void {
    this.#cancel()
    this.#cancel = this.#ctx.clock.after(Math.max(0, this.#deadlineMs - this.#nowMs()), () => this.#act())
  }

  #nowMs(): number {
    return this.#ctx.clock.now().monotonicMs
  }

  async #act(): Promise<void> {
    if (this.#orders === 'dismissed') return
    const graceMs = Math.min(this.#graceMs, this.#killAtMs - this.#nowMs())
    if (this.#orders === 'armed') {
      this.#ended = this.command ? 'killed' : NOT_STARTED
      await this.command?.stop(this.#ctx, graceMs)
    }
    if (this.#session !== '') await this.#release(this.#session, this.#ended)
  }
}
