import { formatDuration } from '../../base/duration.ts'
import { hasEnded, type PeriodRuns, periodSuccess, type RunEntry } from './runs-record.ts'
import type { TimeSlot } from './time-slot.ts'

/** How often a command may run. */
export interface Period {
  /** From one start to the next at least, in milliseconds. */
  readonly oncePerMs?: number | undefined
  /** One start in each of them. */
  readonly slot?: TimeSlot | undefined
  /** From one end to the next start at least, in milliseconds. */
  readonly intervalMs?: number | undefined
  /** Only successes count. */
  readonly onSuccess: boolean
}

/** Whether a run is due; if not, the run that counts, and why it does, in words. */
export type Due =
  | { readonly kind: 'due' }
  | { readonly kind: 'done'; readonly run: RunEntry; readonly why: string }
  /** The run started so much later than it is now, in milliseconds, that a clock must be wrong. */
  | { readonly kind: 'ahead'; readonly run: RunEntry; readonly byMs: number }

const DUE: Due = { kind: 'due' }

/** Kerberos bears as much between two machines' clocks. */
const SKEW_MS = 300_000
/** A run that starts this late in a period is meant for the next one: its clock or its start was a little off. */
const LATE = 0.95

/**
 * Whether a run is due at `nowMs`, by this machine's clock, after these; one's own run never counts. A start that lies
 * a little in the future counts as just now: that machine's clock is ahead.
 */
export function dueAt(period: Period, runs: PeriodRuns | undefined, runId: string, nowMs: number): Due {
  const run = period.onSuccess ? runs && periodSuccess(runs) : runs?.last
  if (run === undefined || run.runId === runId) return DUE
  const startMs = Date.parse(run.start)
  if (startMs - nowMs > SKEW_MS) return { kind: 'ahead', run, byMs: startMs - nowMs }
  const why = whyNotAgain(period, run, startMs, nowMs)
  return why === undefined ? DUE : { kind: 'done', run, why }
}

function whyNotAgain(
  { oncePerMs, slot, intervalMs }: Period,
  run: RunEntry,
  startMs: number,
  nowMs: number,
): string | undefined {
  if (oncePerMs !== undefined && nowMs - startMs < oncePerMs) {
    const left = formatDuration(startMs + oncePerMs - nowMs)
    const isLate = nowMs - startMs > oncePerMs * LATE
    const hint = isLate ? ` (${left} short of it: for a job that comes as often, take less, or --slot)` : ''
    return `once per ${formatDuration(oncePerMs)}${hint}`
  }
  if (slot !== undefined) {
    const [now, then] = [slot.nameAt(nowMs), slot.nameAt(startMs)]
    if (now === then) return `once in ${now} (${slot.zone})`
    if (startMs > nowMs) return `already in ${then} (${slot.zone}), by a clock that is ahead of ours`
  }
  // Of a run that was lost nobody knows when it ended; while it still runs, the lock keeps others out.
  const endMs = run.ranMs === undefined ? (hasEnded(run) ? startMs : undefined) : startMs + run.ranMs
  if (intervalMs !== undefined && endMs !== undefined && nowMs - endMs < intervalMs) {
    return `${formatDuration(intervalMs)} after its end at the earliest`
  }
  return undefined
}
