import { formatDuration } from '../../base/duration.ts'
import { hasEnded, type RunEntry } from './runs-record.ts'

/** How a run ended, in some words. */
export function describeEnd(run: RunEntry): string {
  const { code, signal, lost, unsettled, timedOut, killed } = run
  if (!hasEnded(run)) return 'end unknown'
  if (killed) return 'runner killed'
  if (timedOut) return 'timed out'
  const own = code !== undefined ? `exit ${code}` : signal
  if (lost !== undefined) return own === undefined ? 'lock lost' : `${own}, lock lost`
  return unsettled ? `${own}, not settled` : `${own}`
}

/** No date is later. In milliseconds since 1970. */
const LAST_DATE_MS = 8.64e15

/** When a run ended, as far as that is known, in milliseconds since 1970; a `Date` in any case. */
export function endMsOf({ start, ranMs = 0 }: RunEntry): number {
  return Math.min(Date.parse(start) + ranMs, LAST_DATE_MS)
}

/** How long ago something was. A moment in the future (the clock that told it is ahead) counts as just now. */
export function ago(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1000 ? 'just now' : `${formatDuration(nowMs - atMs)} ago`
}
