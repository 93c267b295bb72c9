/** A point in time on this machine, read from both of its clocks at once. */
export interface Instant {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** Time as everything here sees it; simulation replaces it. */
export interface Clock {
  now(): Instant
  /**
   * Milliseconds gone by since `start`: the larger progress of the two clocks. The monotonic clock stands still while
   * the machine is suspended and the wall clock can be set back; a deadline must not believe the slower one.
   */
  since(start: Instant): number
  /** Calls `wake` once, `ms` milliseconds from now or later. The returned function cancels it. */
  after(ms: number, wake: () => void): () => void
}

/** setTimeout takes no more than 31 bits; what is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's own clocks. */
export const systemClock: Clock = {
  // Not `performance.now()`: it would bring Node's whole module of performance hooks with it.
  now: () => ({ monotonicMs: Number(process.hrtime.bigint()) / 1e6, wallMs: Date.now() }),
  since(start) {
    const now = this.now()
    return Math.max(now.monotonicMs - start.monotonicMs, now.wallMs - start.wallMs)
  },
  after(ms, wake) {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number) => {
      const stepMs = Math.min(leftMs, LONGEST_TIMER_MS)
      timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : wake()), stepMs)
    }
    arm(ms)
    return () => clearTimeout(timer)
  },
}
