import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { elapsedMs, type Instant, systemClock } from '../../../src/base/clock.ts'

const START: Instant = { monotonicMs: 5000, bootMs: 9000, wallMs: 1_000_000 }
const HOUR_MS = 3_600_000

/** Both clocks of the machine a second on, and what else happened. */
const later = (change: Partial<Instant>): Instant => ({
  monotonicMs: 6000,
  bootMs: 10_000,
  wallMs: 1_001_000,
  ...change,
})

describe('the time between two instants', () => {
  test.each<[string, Partial<Instant>, number]>([
    ['is that of the monotonic clock', {}, 1000],
    ['takes no part in the boot clock’s steps', { bootMs: 10_009 }, 1000],
    ['counts an hour of suspension', { bootMs: 10_000 + HOUR_MS }, 1000 + HOUR_MS],
    ['minds no wall clock that is set forward', { wallMs: 1_001_000 + HOUR_MS }, 1000],
    ['minds no wall clock that is set back', { wallMs: 1_001_000 - HOUR_MS }, 1000],
    ['counts a suspension though the wall clock is set back meanwhile', { bootMs: 70_000, wallMs: 1_001_000 }, 61_000],
  ])('%s', (_, change, gone) => expect(elapsedMs(START, later(change))).toBe(gone))
})

test('the boot clock is the machine’s uptime', () => {
  const uptimeMs = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  const before = uptimeMs()
  const { bootMs } = systemClock.now()
  expect(bootMs).toBeGreaterThanOrEqual(before)
  expect(bootMs).toBeLessThanOrEqual(uptimeMs())
})
