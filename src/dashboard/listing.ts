import { type Counts, FILTERS, type Filter, type Listing, type PageQuery, type Sorting } from './page-messages.ts'
import type { LockRow } from './scene.ts'

/** So many rows are on a page: a browser takes thousands of bars, and a reader less. */
export const ROWS = 50

/** The locks that a query means. */
export interface Found {
  readonly listing: Listing
  /** Those of the page, in its order. */
  readonly rows: readonly LockRow[]
  readonly counts: Counts
}

/** Finds what a query means among all locks, which come by name. */
export function find(locks: readonly LockRow[], isAllPaused: boolean, query: PageQuery): Found {
  const searched = query.search === '' ? locks : locks.filter((lock) => mentions(lock, query.search))
  const counts = Object.fromEntries(
    FILTERS.map((filter) => [filter, countOf(searched, (lock) => FITS[filter](lock, isAllPaused))]),
  ) as Counts
  const fitting = searched.filter((lock) => FITS[query.filter](lock, isAllPaused))
  const by = BY[query.order]
  const sorted = by ? fitting.toSorted((one, other) => by(one) - by(other)) : fitting
  const pages = Math.max(1, Math.ceil(sorted.length / ROWS))
  // What was the last page may be gone.
  const page = Math.min(query.page, pages - 1)
  const from = page * ROWS
  const rows = sorted.slice(from, from + ROWS)
  return { listing: { keys: rows.map(({ key }) => key), from, matching: sorted.length, page, pages }, rows, counts }
}

function countOf(locks: readonly LockRow[], fits: (lock: LockRow) => boolean): number {
  return locks.reduce((count, lock) => (fits(lock) ? count + 1 : count), 0)
}

const FITS: Record<Filter, (lock: LockRow, isAllPaused: boolean) => boolean> = {
  all: () => true,
  held: ({ holding }) => holding > 0,
  waiting: ({ waiting }) => waiting > 0,
  failed: (lock) => lastEnded(lock) !== undefined && lastEnded(lock) !== 'ok',
  paused: ({ pause }, isAllPaused) => pause !== undefined || isAllPaused,
}

/** How the last run ended that is over. */
function lastEnded({ bars }: LockRow) {
  return bars.findLast(({ state }) => state !== 'running')?.state
}

/** The lower the sooner; those that are equal stay by name. */
const BY: Record<Sorting, ((lock: LockRow) => number) | undefined> = {
  name: undefined,
  longest: ({ holders }) => Math.min(...holders.map(({ sinceMs = LATEST }) => sinceMs), LATEST),
  waiting: ({ waiting }) => -waiting,
  latest: ({ bars }) => -Math.max(...bars.map(({ startMs, endMs = startMs }) => endMs), 0),
}

const LATEST = Number.MAX_SAFE_INTEGER

function mentions({ name, holders }: LockRow, text: string): boolean {
  const people = holders.flatMap(({ host, user, command }) => [host, user, command])
  return [name, ...people].some((word) => word?.toLowerCase().includes(text))
}
