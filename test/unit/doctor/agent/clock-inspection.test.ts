import { describe, expect, test } from 'vitest'
import { judgeClock } from '../../../../src/doctor/agent/clock-inspection.ts'

describe('a clock', () => {
  const NOW = Date.parse('2026-11-29T12:00:00Z')

  test.each([
    [0, 'fine', 'agree'],
    [5000, 'fine', 'agree'],
    [5001, 'warning', '5s ahead of ours'],
    [300_001, 'failure', '5m ahead of ours'],
    // The date is cut to a second, and the answer takes a while.
    [-6000, 'fine', 'agree'],
    [-6100, 'warning', '5.1s behind ours'],
    [-400_000, 'failure', '6m39s behind ours'],
  ])('that is %d ms off: %s', (offMs, mark, said) => {
    const finding = judgeClock(NOW + offMs, NOW, NOW)
    expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
  })

  test('does not count what an answer takes', () => {
    expect(judgeClock(NOW - 6000, NOW - 10_000, NOW).mark).toBe('fine')
  })

  test('can’t be told without a date', () => expect(judgeClock(Number.NaN, NOW, NOW).mark).toBe('warning'))
})
