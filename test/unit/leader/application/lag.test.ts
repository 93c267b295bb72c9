import { describe, expect, test } from 'vitest'
import { isBeyond, lagIn, parseLagBound } from '../../../../src/leader/application/lag.ts'

describe('a bound of how far a replica may be behind', () => {
  test.each([
    ['10s', { ms: 10_000 }],
    ['500ms', { ms: 500 }],
    ['1048576', { positions: 1_048_576 }],
    ['16MB', { positions: 16_777_216 }],
    ['1kB', { positions: 1024 }],
    ['0', { positions: 0 }],
  ])('%s is understood', (text, bound) => {
    expect(parseLagBound(text)).toEqual(bound)
  })

  test.each(['', '-1', '1.5', 'much', '10 s', '1e3', '16mb', '99999999999999999999'])('%j is none', (text) => {
    expect(parseLagBound(text)).toBeUndefined()
  })

  test('is passed by who is known to be further behind', () => {
    expect(isBeyond({ lagMs: 10_000 }, { ms: 10_000 })).toBe(false)
    expect(isBeyond({ lagMs: 10_001 }, { ms: 10_000 })).toBe(true)
    expect(isBeyond({ lag: 0 }, { positions: 0 })).toBe(false)
    expect(isBeyond({ lagMs: 0 }, { positions: 0 })).toBeUndefined()
    expect(isBeyond({}, { ms: 10_000 })).toBeUndefined()
  })

  test('is compared with what the application says of itself', () => {
    expect(lagIn('replica of n1, lag=2.5s')).toEqual({ lagMs: 2500 })
    expect(lagIn('lag=1048576 bytes')).toEqual({ lag: 1_048_576 })
    expect(lagIn('flag=1 lag=much')).toEqual({})
  })
})
