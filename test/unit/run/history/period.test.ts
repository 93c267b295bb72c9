import { describe, expect, test } from 'vitest'
import { dueAt, type Period } from '../../../../src/run/history/period.ts'
import type { PeriodRuns, RunEntry } from '../../../../src/run/history/runs-record.ts'
import { strftime } from '../../../../src/run/history/strftime.ts'
import type { TimeSlot } from '../../../../src/run/history/time-slot.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-29T10:00:00Z')

function run(agoMs: number, about: Partial<RunEntry> = { code: 0, ranMs: 1000 }): RunEntry {
  const start = new Date(NOW - agoMs).toISOString()
  return { runId: 'other', host: 'web3', user: 'root', command: './report.sh', start, ...about }
}

const slotOf = (format: string, zone = 'UTC'): TimeSlot => ({ format, zone, nameAt: strftime(format, zone) })
const due = (period: Partial<Period>, runs: PeriodRuns | undefined, nowMs = NOW) =>
  dueAt({ onSuccess: false, ...period }, runs, 'own', nowMs)
const kind = (period: Partial<Period>, runs: PeriodRuns | undefined) => due(period, runs).kind

describe('a run is due', () => {
  const hourly: Partial<Period> = { oncePerMs: HOUR }
  test.each<[string, Partial<Period>, PeriodRuns | undefined, string]>([
    ['when none has been', hourly, undefined, 'due'],
    ['when none has been, if successes count', { ...hourly, onSuccess: true }, undefined, 'due'],
    ['an hour after the last start', hourly, { last: run(HOUR) }, 'due'],
    ['not a moment sooner', hourly, { last: run(HOUR - 1) }, 'done'],
    ['not while the last one runs', hourly, { last: run(5, {}) }, 'done'],
    ['not after a failure', hourly, { last: run(5, { code: 1 }) }, 'done'],
    ['not after a runner was killed', hourly, { last: run(5, { killed: true }) }, 'done'],
    ['not after a lost run', hourly, { last: run(5, { lost: 'unknown' }) }, 'done'],
    ['by our own start', hourly, { last: { ...run(5), runId: 'own' } }, 'due'],
    ['by a start of a clock that is ahead', hourly, { last: run(-299_000) }, 'done'],
    ['by one that is as far ahead as may be', hourly, { last: run(-300_000) }, 'done'],
    ['by a start that is far ahead', hourly, { last: run(-300_001) }, 'ahead'],
    ['after a failure, if successes count', { ...hourly, onSuccess: true }, { last: run(5, { code: 1 }) }, 'due'],
    ['after a loss, if successes count', { ...hourly, onSuccess: true }, { last: run(5, { lost: 'unknown' }) }, 'due'],
    ['while one runs, if successes count', { ...hourly, onSuccess: true }, { last: run(5, {}) }, 'due'],
    ['not after a success, if those count', { ...hourly, onSuccess: true }, { last: run(5) }, 'done'],
    [
      'not after a success with a failure behind it, if successes count',
      { ...hourly, onSuccess: true },
      { last: run(5, { code: 1 }), success: run(HOUR / 2) },
      'done',
    ],
    ['in another slot', { slot: slotOf('%Y-%m-%dT%H') }, { last: run(1) }, 'due'],
    ['not in the same slot', { slot: slotOf('%F') }, { last: run(9 * HOUR) }, 'done'],
    ['not in a slot before the last one', { slot: slotOf('%FT%R') }, { last: run(-60_000) }, 'done'],
    ['some time after the last end', { intervalMs: 60_000 }, { last: run(61_000) }, 'due'],
    ['not sooner after the last end', { intervalMs: 60_000 }, { last: run(60_999) }, 'done'],
    ['when the last one still runs, for the lock keeps us', { intervalMs: 60_000 }, { last: run(1, {}) }, 'due'],
    ['not sooner after the start of a lost one', { intervalMs: 60_000 }, { last: run(9, { lost: 'unknown' }) }, 'done'],
    ['not when one of two rules forbids it', { oncePerMs: 1, intervalMs: 60_000 }, { last: run(5000) }, 'done'],
  ])('%s', (_, period, runs, expected) => expect(kind(period, runs)).toBe(expected))

  test('says why it isn’t', () => {
    expect(due({ oncePerMs: HOUR }, { last: run(5) })).toMatchObject({ why: 'once per 1h' })
    expect(due({ oncePerMs: HOUR }, { last: run(HOUR - 400) })).toMatchObject({
      why: 'once per 1h (400ms short of it: for a job that comes as often, take less, or --slot)',
    })
    expect(due({ slot: slotOf('%F') }, { last: run(5) })).toMatchObject({ why: 'once in 2026-11-29 (UTC)' })
    expect(due({ slot: slotOf('%FT%R') }, { last: run(-60_000) })).toMatchObject({
      why: 'already in 2026-11-29T10:01 (UTC), by a clock that is ahead of ours',
    })
    expect(due(hourly, { last: run(-HOUR) })).toMatchObject({ kind: 'ahead', byMs: HOUR })
    expect(due({ intervalMs: 60_000 }, { last: run(5000) })).toMatchObject({ why: '1m after its end at the earliest' })
  })
})
