import { uptime } from 'node:os'

/** A point in time on this machine, read from all of its clocks at once. */
export interface Instant {
  /** Stands still while the machine is suspended. */
  readonly monotonicMs: number
  /** Since the machine was started, suspended or not, in steps of 10 ms. */
  readonly bootMs: number
  /** Since 1970. Anybody may set it: for people, and for what must be compared with another machine's. */
  readonly wallMs: number
}

/** Time as everything here sees it; simulation replaces it. */
export interface Clock {
  now(): Instant
  /** Milliseconds gone by since `start`, those included for which the machine was suspended. */
  since(start: Instant): number
  /** Calls `wake` once, `ms` milliseconds from now or later. The returned function cancels it. */
  after(ms: number, wake: () => void): () => void
}

/** More than the steps of the boot clock can make two instants differ by. */
const BOOT_CLOCK_STEP_MS = 50

/**
 * Milliseconds from one instant to another. The monotonic clock is exact; the boot clock knows of a suspension. The
 * wall clock has no say: it is set forward and back, and a deadline must believe neither.
 */
export function elapsedMs(start: Instant, end: Instant): number {
  const awakeMs = end.monotonicMs - start.monotonicMs
  const allMs = end.bootMs - start.bootMs
  return allMs - awakeMs > BOOT_CLOCK_STEP_MS ? allMs : awakeMs
}

/** setTimeout takes no more than 31 bits; what is longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's own clocks. */
export const systemClock: Clock = {
  // Not `performance.now()`: it would bring Node's whole module of performance hooks with it.
  // The uptime is /proc/uptime, or CLOCK_BOOTTIME where that can't be read (libuv, src/unix/linux.c, uv_uptime).
  now: () => ({
    monotonicMs: Number(process.hrtime.bigint()) / 1e6,
    bootMs: uptime() * 1000,
    wallMs: Date.now(),
  }),
  since(start) {
    return elapsedMs(start, this.now())
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
