import { describe, expect, test } from 'vitest'
import { healthOfCount, parseRange } from '../../../src/init/thresholds.ts'

describe('a range of a Nagios plugin', () => {
  test.each([
    ['1:', [0, 1, 9], ['critical', 'passing', 'passing']],
    [':2', [0, 2, 3], ['passing', 'passing', 'critical']],
    ['2', [0, 2, 3], ['passing', 'passing', 'critical']],
    ['1:1', [0, 1, 2], ['critical', 'passing', 'critical']],
    ['5:2', [2, 3, 4, 5], ['passing', 'critical', 'critical', 'passing']],
  ])('%s takes these and no others', (text, counts, healths) => {
    expect(counts.map((count) => healthOfCount(count, { critical: parseRange(text) }))).toEqual(healths)
  })

  test('of a warning counts only where the critical one is kept', () => {
    const thresholds = { warning: parseRange('2:3'), critical: parseRange('1:5') }
    expect([0, 1, 2, 4, 6].map((count) => healthOfCount(count, thresholds))).toEqual([
      'critical',
      'warning',
      'passing',
      'warning',
      'critical',
    ])
  })

  test.each(['', ':', 'x', '1-2', '-1:'])('is not %j', (text) => {
    expect(() => parseRange(text)).toThrow(`${JSON.stringify(text)} is no range of numbers`)
  })
})
