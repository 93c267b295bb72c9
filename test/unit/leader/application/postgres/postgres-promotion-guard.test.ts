import { describe, expect, test } from 'vitest'
import type { Note } from '../../../../../src/leader/application/note.ts'
import { type Holding, lacks } from '../../../../../src/leader/application/postgres/postgres-promotion-guard.ts'

const note = (history: string, position: bigint, slack = 0n): Note => ({ node: 'n1', history, position, slack })

const own = (timeline: number, lsn: bigint, ...left: bigint[]): Holding => ({
  system: '7',
  timeline,
  lsn,
  history: left.map((lsn, n) => ({ timeline: n + 1, lsn })),
})

describe('what the last master had is there', () => {
  test.each([
    ['all of it', own(2, 500n, 100n), note('7/2', 500n)],
    ['but for what may be missing', own(2, 490n, 100n), note('7/2', 500n, 10n)],
    ['on a later timeline that left it behind that place', own(3, 900n, 100n, 500n), note('7/2', 500n)],
  ])('%s', (_, holding, note) => {
    expect(lacks(holding, note)).toBeUndefined()
  })
})

describe('what the last master had is not there', () => {
  test.each([
    ['on its timeline', own(2, 499n, 100n), note('7/2', 500n)],
    ['when more is missing than may be', own(2, 489n, 100n), note('7/2', 500n, 10n)],
    ['on an earlier timeline, however far', own(1, 9999n), note('7/2', 500n)],
    ['on a later timeline that left it before that place', own(3, 900n, 100n, 400n), note('7/2', 500n)],
    ['in another cluster', own(2, 500n, 100n), note('8/2', 500n)],
  ])('%s', (_, holding, note) => {
    expect(lacks(holding, note)).toContain('n1')
  })
})
