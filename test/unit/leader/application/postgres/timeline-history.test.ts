import { describe, expect, test } from 'vitest'
import {
  liesOn,
  parseTimelineHistory,
  reachedOn,
  type WalPath,
} from '../../../../../src/leader/application/postgres/timeline-history.ts'

const way = (timeline: number, lsn: bigint, ...left: bigint[]): WalPath => ({
  timeline,
  lsn,
  history: left.map((lsn, n) => ({ timeline: n + 1, lsn })),
})

test('a history file is read as PostgreSQL writes it, comments and all', () => {
  const text = '1\t0/3000148\tno recovery target specified\n\n# by hand\n2\t1/50A0\tbefore 2000-01-01 01:00:00+01\n'
  expect(parseTimelineHistory(text)).toEqual([
    { timeline: 1, lsn: 0x3000148n },
    { timeline: 2, lsn: 0x1_0000_50a0n },
  ])
  expect(parseTimelineHistory('')).toEqual([])
})

test('how far a way goes on each of its timelines', () => {
  const master = way(3, 900n, 100n, 500n)
  expect([1, 2, 3, 4].map((timeline) => reachedOn(master, timeline))).toEqual([100n, 500n, 900n, undefined])
})

describe('a standby can go on to a master', () => {
  const master = way(3, 900n, 100n, 500n)
  test.each([
    ['that is ahead on its own timeline', way(3, 800n, 100n, 500n), true],
    ['when it is exactly as far', way(3, 900n, 100n, 500n), true],
    ['that left its timeline later', way(1, 99n), true],
    ['that left its timeline just there', way(2, 500n, 100n), true],
    ['but not when it went on behind that', way(2, 501n, 100n), false],
    ['but not when it went on for longer than a timeline that is long gone', way(1, 101n), false],
    ['but not from a later timeline', way(4, 950n, 100n, 500n, 900n), false],
    ['but not when it is ahead', way(3, 901n, 100n, 500n), false],
    ['but not from a timeline of the same number that began elsewhere', way(2, 300n, 120n), false],
    ['but not from a timeline of the same number that came from another one', way(3, 600n, 100n, 400n), false],
  ])('%s', (_, own, expected) => {
    expect(liesOn(own, master)).toBe(expected)
  })
})
