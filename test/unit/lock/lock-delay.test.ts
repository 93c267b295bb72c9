import { describe, expect, test } from 'vitest'
import type { Blocker } from '../../../src/lock/compound-lock.ts'
import { longestLockDelayMs, untilNextTry } from '../../../src/lock/lock-delay.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

describe('a lock-delay', () => {
  test.each([
    ['nothing is left of it, and luck is bad', 0, 0, 500],
    ['nothing is left of it, and luck is good', 0, 0.999, 1000],
    ['more than a second is left', 7000, 0.5, 7000],
  ])('is waited for until the next try, when %s', async (_, leftMs, random, ms) => {
    const { clock, ctx } = virtualLock()
    const { nowMs } = clock
    await clock.run(untilNextTry({ ...ctx, random: () => random }, leftMs))
    expect(Math.round(clock.nowMs - nowMs)).toBe(ms)
  })

  test.each([
    ['{"lockDelayMs":15000}', 15_000],
    ['{"lockDelayMs":3600000}', 60_000],
    ['{"lockDelayMs":0}', 60_000],
    ['rubbish', 60_000],
  ])('of the holder with the value %s is %i ms at the most', (value, ms) => {
    expect(longestLockDelayMs({ value } as Blocker)).toBe(ms)
  })
})
