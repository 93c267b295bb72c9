import { describe, expect, test } from 'vitest'
import {
  describePoint,
  formatLsn,
  orderedPosition,
  parseLsn,
  timelineName,
} from '../../../../../src/leader/application/postgres/wal-point.ts'

describe('a position in the log', () => {
  test.each([
    ['0/0', 0n],
    ['0/3000148', 0x3000148n],
    ['16/B374D848', 0x16b374d848n],
    ['FFFFFFFF/FFFFFFFF', 0xffffffffffffffffn],
  ])('%s is read, and written as PostgreSQL does', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn)
    expect(formatLsn(lsn)).toBe(text)
  })

  test.each(['', '0', '0/', '/0', '0/100000000', '0x1/0', '-1/0', 'G/0', '0/0 '])('%j is none', (text) => {
    expect(parseLsn(text)).toBeUndefined()
  })

  test('is further than every one of an earlier timeline', () => {
    const far = orderedPosition({ timeline: 9, lsn: 0xffffffffffffffffn })
    const next = orderedPosition({ timeline: 10, lsn: 0n })
    expect(next > far).toBe(true)
    expect(orderedPosition({ timeline: 10, lsn: 1n }) > next).toBe(true)
  })

  test('is told with its timeline', () => {
    expect(describePoint({ timeline: 12, lsn: 0x3000148n })).toBe('0/3000148 on timeline 12')
    expect(timelineName(12)).toBe('0000000C')
  })
})
