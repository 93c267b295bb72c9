import { type Clock, elapsedMs, type Instant } from '../../src/base/clock.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'
import type { SimulatedProcess } from './process.ts'

/**
 * A machine's clock, as a process on it sees it: it ticks at its own rate, and timers fire only in a living process.
 */
export class MachineClock implements Clock {
  readonly #time: VirtualClock
  readonly #rate: number
  readonly #process: SimulatedProcess
  /** How far somebody has set the wall clock off. */
  wallOffsetMs = 0

  constructor(time: VirtualClock, rate: number, process: SimulatedProcess) {
    this.#time = time
    this.#rate = rate
    this.#process = process
  }

  now(): Instant {
    const { monotonicMs, wallMs } = this.#time.now()
    const gainedMs = monotonicMs * (this.#rate - 1)
    const ownMs = monotonicMs + gainedMs
    return { monotonicMs: ownMs, bootMs: ownMs, wallMs: wallMs + gainedMs + this.wallOffsetMs }
  }

  since(start: Instant): number {
    return elapsedMs(start, this.now())
  }

  after(ms: number, wake: () => void): () => void {
    let cancelled = false
    // Node's timers count whole milliseconds, one at the least.
    const wholeMs = Math.max(1, Math.trunc(ms))
    const cancel = this.#time.after(wholeMs / this.#rate, () => this.#process.enter(() => cancelled || wake()))
    return () => {
      cancelled = true
      cancel()
    }
  }
}
