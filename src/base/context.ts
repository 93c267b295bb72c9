import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** What everything that waits is given first. The signal is required: a wait that can't be ended is a defect. */
export interface Context {
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** A number in [0, 1), for jitter; simulation seeds it. */
  readonly random: () => number
}

/** The same context under another signal. */
export function under(ctx: Context, signal: AbortSignal): Context {
  return { ...ctx, signal }
}
