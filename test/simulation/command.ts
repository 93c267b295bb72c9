import { sleep } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import type { Child } from '../../src/child/child.ts'
import type { ExitStatus } from '../../src/child/exit-status.ts'
import type { ForwardedSignal } from '../../src/child/signals.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatedProcess } from './process.ts'
import type { Script } from './schedule.ts'

const LOOK_MS = 50

/** A command that follows a script, on the cluster's time: it lives on when its runner is stopped or killed. */
export class SimulatedCommand implements Child {
  readonly exited: Promise<ExitStatus>
  readonly group: number
  readonly #time: VirtualClock
  readonly #script: Script
  readonly #die: (status: ExitStatus) => void
  #alive = true
  #onEnd: (status: ExitStatus) => void = () => {}

  constructor(
    time: VirtualClock,
    runner: SimulatedProcess,
    script: Script,
    ledger: Ledger,
    run: string,
    fence: number,
    overdueMs: () => number,
  ) {
    this.#time = time
    this.#script = script
    this.group = fence
    const life = ledger.begin(run, fence, time.nowMs)
    const { promise, resolve } = Promise.withResolvers<ExitStatus>()
    this.exited = promise
    this.#die = (status) => {
      if (!this.#alive) return
      this.#alive = false
      this.#onEnd(status)
      ledger.end(life)
      ledger.judge(life, overdueMs())
      runner.enter(() => resolve(status))
    }
    time.after(script.runsMs, () => this.#die({ code: 0 }))
  }

  /** Calls `heard` when it ends, whether its runner lives or not. */
  onEnd(heard: (status: ExitStatus) => void): void {
    this.#onEnd = heard
  }

  get isAlive(): boolean {
    return this.#alive
  }

  term(): void {
    const { termTakesMs } = this.#script
    if (Number.isFinite(termTakesMs)) this.#time.after(termTakesMs, () => this.#die({ signal: 'SIGTERM' }))
  }

  kill(): void {
    this.#time.after(1, () => this.#die({ signal: 'SIGKILL' }))
  }

  forward(signal: ForwardedSignal): void {
    if (signal === 'SIGINT' || signal === 'SIGTERM') this.term()
  }

  async emptied(ctx: Context): Promise<void> {
    while (this.#alive) await sleep(ctx, LOOK_MS)
  }

  async stop(ctx: Context, graceMs: number): Promise<boolean> {
    this.term()
    const start = ctx.clock.now()
    while (this.#alive && ctx.clock.since(start) < graceMs) await sleep(ctx, LOOK_MS)
    if (this.#alive) this.kill()
    await this.emptied(ctx)
    return true
  }
}
