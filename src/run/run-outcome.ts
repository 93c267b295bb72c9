import type { ExitStatus } from '../child/exit-status.ts'
import type { ForwardedSignal } from '../child/signals.ts'
import type { Loss } from '../lock/loss.ts'

/**
 * How a run ended, when nothing failed:
 * - `busy`: the lock wasn't free
 * - `skipped`: a rider of the lock says that there is nothing to run now
 * - `unready`: the gates before it didn't open in time, and the command did not start
 * - `interrupted`: a signal ended the wait before or after the command
 * - `unprepared`: what prepares for the command failed, and the command did not start
 * - `lost`: the lock left us; with a status when the command had ended with it before
 * - `timed-out`: the command had run for as long as it may, and was ended; with how, unless KILL doesn't help
 * - `unsettled`: the command succeeded, but the gates after it didn't open in time
 */
export type RunOutcome =
  | { readonly kind: 'ran'; readonly status: ExitStatus }
  | { readonly kind: 'busy' | 'skipped' }
  | { readonly kind: 'unready'; readonly missing: readonly string[] }
  | { readonly kind: 'unprepared'; readonly why: string }
  | { readonly kind: 'interrupted'; readonly signal: ForwardedSignal }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly status?: ExitStatus }
  | { readonly kind: 'timed-out'; readonly status?: ExitStatus }
  | { readonly kind: 'unsettled'; readonly status: ExitStatus; readonly missing: readonly string[] }

/** How the wait for a lock ended without it. */
export type WaitOutcome = Extract<RunOutcome, { readonly kind: 'busy' | 'skipped' | 'unready' | 'interrupted' }>

/** An outcome, with what a report tells beside it. */
export interface RunResult {
  readonly outcome: RunOutcome
  /** The last fencing token; absent when the lock was never ours. */
  readonly fence?: number
  /** In whole milliseconds. */
  readonly waitedMs: number
  /** In whole milliseconds; absent when the command did not start. */
  readonly ranMs?: number
}

/** How it ended with what ran under a lock. */
export interface CommandEnd {
  readonly outcome: RunOutcome
  /** Whether nothing of it runs any more: what lives on must never be followed by a release. */
  readonly dead: boolean
}
