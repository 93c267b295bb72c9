import { describe, expect, test } from 'vitest'
import { judgeRoundTrip } from '../../../../src/doctor/agent/round-trip.ts'

describe('a round trip', () => {
  const usual = { ttlMs: 15_000, renewMs: 10_000 }

  test.each([
    [[1, 2, 3], usual, 'fine'],
    [[1, 2, 1500], usual, 'fine'],
    [[1, 2, 1501], usual, 'warning'],
    [[1, 375, 400], usual, 'fine'],
    [[1, 376, 400], usual, 'warning'],
    [[1, 2, 3000], usual, 'warning'],
    [[1, 2, 5000], usual, 'failure'],
    [[1, 3000, 3000], usual, 'failure'],
    [[100], { ttlMs: 10_000, renewMs: 9000 }, 'fine'],
    [[400], { ttlMs: 10_000, renewMs: 9000 }, 'warning'],
    [[1000], { ttlMs: 10_000, renewMs: 9000 }, 'failure'],
  ])('of %j ms within %j: %s', (times, timing, mark) => expect(judgeRoundTrip(times, timing).mark).toBe(mark))

  test('is told by the median and the worst', () => {
    expect(judgeRoundTrip([9, 1, 2, 3, 700], usual).said).toBe('5 reads took 3ms, 700ms at most; a renewal has 5s')
  })
})
