import { formatDuration } from '../../../base/duration.ts'
import { conditionOf, type LockProcess, type LocksView, type LockView } from '../../../overview/lock-view.ts'
import { describeEnd, endMsOf } from '../../../run/history/describe-run.ts'
import { isSuccess, type RunEntry } from '../../../run/history/runs-record.ts'
import type { Column } from '../../output/table.ts'

/** What is to be seen of each lock in a line;  */
export const LOCK_COLUMNS: readonly Column[] = [
  { head: 'NAME', atLeast: 12 },
  { head: 'STATE' },
  { head: 'HOLDER', atLeast: 24 },
  { head: 'FOR' },
  { head: 'FENCE' },
  { head: 'WAIT' },
  { head: 'LAST RUN', atLeast: 8 },
]

/** A lock as such a line; of all locks it must be known whether they are paused. */
export function lockCells(lock: LockView, { pause }: Pick<LocksView, 'pause'>, nowMs: number): string[] {
  const [holder] = lock.holders
  return [
    lock.name,
    stateText(lock, pause !== undefined),
    holderText(lock),
    forText(lock, nowMs),
    holder === undefined ? '-' : String(holder.fence),
    lock.waiters.length === 0 ? '-' : String(lock.waiters.length),
    lastRunText(lock, nowMs),
  ]
}

/** How a lock is. */
export function stateText(lock: LockView, isAllPaused: boolean): string {
  const { kind, holders, limit, closure } = lock
  const condition = conditionOf(lock, isAllPaused)
  if (condition === 'held') {
    if (kind === 'slots') return `${holders.length + (closure?.places ?? 0)} of ${limit}`
    if (kind === 'readers') return holders.length === 1 ? '1 reader' : `${holders.length} readers`
    if (kind === 'leader') return 'leads'
  }
  if (condition === 'left') return 'free'
  return condition === 'data' ? 'no lock' : condition
}

function holderText({ holders, left, reservedFor, closure, kind }: LockView): string {
  const [first] = holders
  if (first) return lockProcessText(first)
  if (reservedFor !== undefined) return `kept for ${reservedFor}`
  if (closure) return left?.host === undefined ? 'was cut off' : `${left.host} was cut off`
  if (left) return left.host === undefined ? 'was cut off' : `${left.host} never gave it back`
  return kind === 'leader' ? 'nobody leads' : '-'
}

/** Where somebody is, who, and with which program. */
export function lockProcessText({ host, user, command }: LockProcess): string {
  const program = command?.join(' ')
  return [host ?? 'somebody', user, program].filter((word) => word !== undefined && word !== '').join(' ')
}

/** For how long it has been held, or how long it stays closed at most. */
function forText({ holders, closure }: LockView, nowMs: number): string {
  const [first] = holders
  if (first) return ageText(first.sinceMs, nowMs)
  return closure ? `<${secondsText(Math.max(1000, closure.untilMs - nowMs))}` : '-'
}

/** How long ago something was, in whole seconds; `?` when that isn't known. */
export function ageText(sinceMs: number | undefined, nowMs: number): string {
  return sinceMs === undefined ? '?' : secondsText(nowMs - sinceMs)
}

function secondsText(ms: number): string {
  return ms < 1000 ? '0s' : formatDuration(Math.floor(ms / 1000) * 1000)
}

function lastRunText({ runs }: LockView, nowMs: number): string {
  if (runs === 'unreadable') return 'unreadable'
  return runs.last ? `${ageText(endMsOf(runs.last), nowMs)} ${endText(runs.last)}` : '-'
}

/** How a run ended, in a word if it succeeded. */
export function endText(run: RunEntry): string {
  return isSuccess(run) ? 'ok' : describeEnd(run)
}
