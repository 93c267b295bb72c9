import type { FormatTime } from './strftime.ts'

/** A slot of time: as long as the name that a format gives it stays the same. */
export interface TimeSlot {
  readonly format: string
  readonly zone: string
  readonly nameAt: FormatTime
}

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Ahead of now, in milliseconds: fine enough to find most names that change and come back. */
const LOOKS = [
  ...[1, 10, 30, 60, 6 * 60, 12 * 60].map((minutes) => minutes * 60 * SECOND_MS),
  ...[1, 2, 7, 14, 28, 30, 31, 180, 365, 366, 366 + 365].map((days) => days * DAY_MS),
]

/** What is wrong with a slot that will do what nobody wants, in a sentence; `undefined` when nothing is. */
export function oddity({ format, nameAt }: TimeSlot, nowMs: number): string | undefined {
  const now = nameAt(nowMs)
  const names = LOOKS.map((ms) => nameAt(nowMs + ms))
  const quoted = JSON.stringify(format)
  const seconds = [0, 1, 2].map((n) => nameAt(nowMs + n * SECOND_MS))
  if (new Set(seconds).size === seconds.length) return `--slot ${quoted} changes every second: it skips nothing`
  if (names.every((name) => name === now))
    return `--slot ${quoted} never changes: the command runs once, and never again`
  const changed = names.findIndex((name) => name !== now)
  const isBack = names.slice(changed).includes(now)
  return isBack
    ? `--slot ${quoted} comes back: a run in an earlier slot of that name may count for this one`
    : undefined
}
