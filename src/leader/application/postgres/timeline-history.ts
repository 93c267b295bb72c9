import { parseLsn, type WalPoint } from './wal-point.ts'

const LINE = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/

/** Where a timeline's ancestors were left, the oldest first. */
export type TimelineHistory = readonly WalPoint[]

/**
 * Reads a timeline's history file (`00000003.history`): a line for each ancestor, with the place at which the next one
 * began. https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
export function parseTimelineHistory(text: string): TimelineHistory {
  return text.split('\n').flatMap((line) => {
    const [, timeline, position = ''] = LINE.exec(line) ?? []
    const lsn = parseLsn(position)
    return timeline === undefined || lsn === undefined ? [] : [{ timeline: Number(timeline), lsn }]
  })
}

/** What a server has: its own place, and the way there. */
export interface WalPath extends WalPoint {
  readonly history: TimelineHistory
}

/** How far a way goes on a timeline; `undefined`: it doesn't come from that one. */
export function reachedOn({ timeline, lsn, history }: WalPath, other: number): bigint | undefined {
  return timeline === other ? lsn : history.find((ancestor) => ancestor.timeline === other)?.lsn
}

/**
 * Whether what a server has is part of another one's way, so that it can follow that by going on. Two servers that were
 * promoted apart from each other may have taken the same number for their timelines; those began elsewhere.
 */
export function liesOn(own: WalPath, way: WalPath): boolean {
  const [mine, theirs] = [stretches(own), stretches(way)]
  return mine.every(({ timeline, from, to }, n) => {
    const other = theirs[n]
    const isLast = n === mine.length - 1
    return other?.timeline === timeline && other.from === from && (isLast ? to <= other.to : to === other.to)
  })
}

function stretches({ history, timeline, lsn }: WalPath) {
  const ends = [...history, { timeline, lsn }]
  return ends.map(({ timeline, lsn }, n) => ({ timeline, from: ends[n - 1]?.lsn ?? 0n, to: lsn }))
}
