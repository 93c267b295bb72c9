import { printable } from '../../../base/printable.ts'
import { wrapped } from '../../../base/wrapped-text.ts'
import { describePause } from '../../../lock/pause.ts'
import type { LocksView, LockView, PauseView, WaiterView } from '../../../overview/lock-view.ts'
import { COLUMNS, tableLines } from '../../output/table.ts'
import { ageText, LOCK_COLUMNS, lockCells } from './lock-cells.ts'

/** So many pauses, and troubles, are told of below a table. */
const MOST_NOTES = 20

/** A line for each lock, and below them what is to be said of some. */
export function locksLines(view: LocksView, nowMs: number, width?: number): string[] {
  const rows = view.locks.map((lock) => lockCells(lock, view, nowMs))
  const table = view.locks.length > 0 ? tableLines(LOCK_COLUMNS, rows, width) : []
  const notes = notesOf(view, nowMs).flatMap((note) => wrapped(printable(note), COLUMNS))
  return [...table, ...(table.length > 0 && notes.length > 0 ? [''] : []), ...notes]
}

/** What doesn't go into a line of the table: pauses, and what can't be read. */
function notesOf({ locks, pause }: LocksView, nowMs: number): string[] {
  const own = locks.flatMap((lock) => [
    ...(lock.pause ? [`${lock.name} is paused ${pauseText(lock.pause, nowMs)}`] : []),
    ...(lock.trouble === undefined ? [] : [lock.trouble]),
  ])
  const all = [...(pause ? [`all locks are paused ${pauseText(pause, nowMs)}`] : []), ...own]
  const more = all.length - MOST_NOTES
  return more > 0 ? [...all.slice(0, MOST_NOTES), `and ${more} more like these`] : all
}

/** For how long something is paused, by whom and why. */
export function pauseText({ pause }: PauseView, nowMs: number): string {
  return pause ? describePause(pause, nowMs) : "until somebody ends that: its record can't be read"
}

/** Who waits for which lock, by hosts; on each of them, who has waited longest is first. */
export function waitersLines({ locks }: LocksView, nowMs: number, width?: number): string[] {
  const waiting = locks
    .flatMap((lock) => lock.waiters.map((waiter, n) => ({ lock, waiter, place: n + 1 })))
    .sort((one, other) => compared(one.waiter.host, other.waiter.host) || sinceOf(one.waiter) - sinceOf(other.waiter))
  const rows = waiting.map(({ lock, waiter, place }) => waiterCells(lock, waiter, place, nowMs))
  return rows.length > 0 ? tableLines(WAITER_COLUMNS, rows, width) : []
}

const WAITER_COLUMNS = [
  { head: 'HOST', atLeast: 12 },
  { head: 'LOCK', atLeast: 12 },
  { head: 'PLACE' },
  { head: 'WAITS' },
  { head: 'USER', atLeast: 6 },
  { head: 'PID' },
  { head: 'PROGRAM', atLeast: 8 },
]

function waiterCells(lock: LockView, waiter: WaiterView, place: number, nowMs: number): string[] {
  const { host = '?', user = '?', pid = '?', command, sinceMs, isForMore } = waiter
  const which = isForMore ? `${lock.name} and more` : lock.name
  return [host, which, String(place), ageText(sinceMs, nowMs), user, String(pid), command?.join(' ') ?? '?']
}

function compared(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function sinceOf({ sinceMs = 0 }: WaiterView): number {
  return sinceMs
}
