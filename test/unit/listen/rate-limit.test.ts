import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import { RateLimit } from '../../../src/listen/rate-limit.ts'

describe('the limit of requests', () => {
  function limited(perSecond: number) {
    const now = { monotonicMs: 0, bootMs: 0, wallMs: 0 }
    const limit = new RateLimit({ now: () => ({ ...now }) } as Clock, perSecond, 3 * perSecond)
    const allowed = (client: string, count: number) =>
      Array.from({ length: count }, () => limit.allows(client)).filter(Boolean).length
    return { now, limit, allowed }
  }

  test('lets a burst pass, and then so many a second', () => {
    const { now, allowed } = limited(2)
    expect(allowed('a', 100)).toBe(6)
    now.monotonicMs += 1000
    expect(allowed('a', 100)).toBe(2)
    now.monotonicMs += 3_600_000
    expect(allowed('a', 100)).toBe(6)
  })

  test('has who costs more wait longer', () => {
    const { now, limit, allowed } = limited(2)
    limit.charge('a', 16)
    now.monotonicMs += 5000
    expect(allowed('a', 100)).toBe(0)
    now.monotonicMs += 1000
    expect(allowed('a', 100)).toBe(2)
  })

  test('holds for each client, and may be off', () => {
    const { allowed } = limited(1)
    expect([allowed('a', 9), allowed('b', 9)]).toEqual([3, 3])
    expect(limited(0).allowed('a', 1000)).toBe(1000)
  })

  test('holds for a client while ten thousand others come and go', () => {
    const { now, allowed } = limited(1)
    for (let n = 0; n < 20_000; n++) {
      now.monotonicMs += 1
      allowed(`client ${n}`, 1)
      if (n % 100 === 0) allowed('a', 100)
    }
    expect(allowed('a', 100)).toBe(0)
  })
})
