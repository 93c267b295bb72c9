import { describe, expect, test } from 'vitest'
import { parseRange, thresholdCode } from '../../../src/init/thresholds.ts'

describe('a range of a Nagios plugin', () => {
  test.each([
    ['1:', [0, 1, 9], [2, 0, 0]],
    [':2', [0, 2, 3], [0, 0, 2]],
    ['2', [0, 2, 3], [0, 0, 2]],
    ['1:1', [0, 1, 2], [2, 0, 2]],
    ['5:2', [2, 3, 4, 5], [0, 2, 2, 0]],
  ])('%s takes these and no others', (text, counts, levels) => {
    expect(counts.map((count) => thresholdCode(count, { critical: parseRange(text) }))).toEqual(levels)
  })

  test('of a warning counts only where the critical one is kept', () => {
    const thresholds = { warning: parseRange('2:3'), critical: parseRange('1:5') }
    expect([0, 1, 2, 4, 6].map((count) => thresholdCode(count, thresholds))).toEqual([2, 1, 0, 1, 2])
  })

  test.each(['', ':', 'x', '1-2', '-1:'])('is not %j', (text) => {
    expect(() => parseRange(text)).toThrow(`${JSON.stringify(text)} is no range of numbers`)
  })
})
