import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/base/duration.ts'

describe('a duration', () => {
  test.each([
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['2m30s', 150_000],
    ['500ms', 500],
    ['1d', 86_400_000],
    ['0', 0],
    ['90', 90_000],
    ['0.5', 500],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', 's', '-1s', '1 s', '1x', '1s2', '1e3', 'Infinity', '1,5s', '٣s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  test.each([
    [0, '0ms'],
    [446, '446ms'],
    [1500, '1.5s'],
    [15_000, '15s'],
    [59_999, '59.9s'],
    [60_000, '1m'],
    [252_000, '4m12s'],
    [7_380_000, '2h3m'],
    [90_000_000, '1d1h'],
  ])('%d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
