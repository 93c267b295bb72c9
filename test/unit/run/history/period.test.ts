import { describe, expect, test } from 'vitest'
import { dueAt, type Period } from '../../../../src/run/history/period.ts'
import type { PeriodRuns, RunEntry } from '../../../../src/run/history/runs-record.ts'
import { strftime } from '../../../../src/run/history/strftime.ts'
import { oddity, type TimeSlot } from '../../../../src/run/history/time-slot.ts'

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
    ['an hour after the last start', hourly, { last: run(HOUR) }, 'due'],
    ['not a moment sooner', hourly, { last: run(HOUR - 1) }, 'done'],
    ['not while the last one runs', hourly, { last: run(5, {}) }, 'done'],
    ['not after a failure', hourly, { last: run(5, { code: 1 }) }, 'done'],
    ['not after a runner was killed', hourly, { last: run(5, { killed: true }) }, 'done'],
    ['not after a lost run', hourly, { last: run(5, { lost: 'unknown' }) }, 'done'],
    ['by our own start', hourly, { last: { ...run(5), runId: 'own' } }, 'due'],
    ['by a start of a clock that is ahead', hourly, { last: run(-299_000) }, 'done'],
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
    expect(due({ intervalMs: 60_000 }, { last: run(5000) })).toMatchObject({ why: '1m after its end at the earliest' })
  })
})

describe('a slot', () => {
  test.each([
    ['%F', 'UTC', '2026-11-29T23:30:00Z', '2026-11-29'],
    ['%F', 'Europe/Berlin', '2026-11-29T23:30:00Z', '2026-11-30'],
    ['%Y-%m-%dT%H', 'America/New_York', '2026-11-29T04:00:00Z', '2026-11-28T23'],
    ['%G-W%V', 'UTC', '2027-01-03T12:00:00Z', '2026-W53'],
    ['%G-W%V', 'UTC', '2026-12-28T12:00:00Z', '2026-W53'],
    ['%G-W%V', 'UTC', '2024-12-30T12:00:00Z', '2025-W01'],
    [
      '%y%j %e %b %B %a %A %u %w %I %p %M %S %R %T %s %%',
      'UTC',
      '2026-03-01T15:04:05Z',
      '26060  1 Mar March Sun Sunday 7 0 03 PM 04 05 15:04 15:04:05 1772377445 %',
    ],
    ['%H%z', 'Asia/Kolkata', '2026-11-29T00:00:00Z', '05+0530'],
    ['%z', 'America/St_Johns', '2026-11-29T00:00:00Z', '-0330'],
    ['%I', 'UTC', '2026-11-29T00:10:00Z', '12'],
  ])('of %s in %s at %s is %s', (format, zone, at, name) => {
    expect(strftime(format, zone)(Date.parse(at))).toBe(name)
  })

  test('by the hour comes twice when summer time ends, unless the offset is in it', () => {
    const [first, second] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(Date.parse) as [number, number]
    const hour = strftime('%FT%H', 'Europe/Berlin')
    expect([hour(first), hour(second)]).toEqual(['2026-10-25T02', '2026-10-25T02'])
    const offset = strftime('%FT%H%z', 'Europe/Berlin')
    expect([offset(first), offset(second)]).toEqual(['2026-10-25T02+0200', '2026-10-25T02+0100'])
    const utc = strftime('%FT%H', 'UTC')
    expect(utc(first)).not.toBe(utc(second))
  })

  test.each([
    ['%F', undefined],
    ['%Y-%m-%dT%H:%M', undefined],
    ['%G-W%V', undefined],
    ['%Y-%m', undefined],
    ['nightly', 'never changes'],
    ['100%%', 'never changes'],
    ['%T', 'changes every second'],
    ['%s', 'changes every second'],
    ['%S', 'changes every second'],
    ['%H', 'comes back'],
    ['%A', 'comes back'],
    ['%m-%d', 'comes back'],
    ['%p', 'comes back'],
  ])('of %s is odd: %s', (format, expected) => {
    const said = oddity(slotOf(format), NOW)
    if (expected === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(expected)
  })

  test.each([
    ['%Q', 'UTC', 'has "%Q" in it'],
    ['%F %', 'UTC', 'has "%" in it'],
    ['%F', 'Mars/Phobos', 'no time zone that is known'],
    ['%F', '', 'no time zone that is known'],
  ])('of %s in %j is refused in words', (format, zone, sentence) => {
    expect(() => strftime(format, zone)).toThrow(sentence)
  })
})
