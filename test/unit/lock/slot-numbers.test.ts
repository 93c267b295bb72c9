import { describe, expect, test } from 'vitest'
import { freeSlots, slotNumber } from '../../../src/lock/slot-numbers.ts'

describe('the free slots of a semaphore', () => {
  test.each<[string, number, number[], number[]]>([
    ['are all while nobody holds one', 3, [], [1, 2, 3]],
    ['are those that nobody holds', 3, [2], [1, 3]],
    ['are none when all are held', 2, [1, 2], []],
    ['are none for a limit of 0', 0, [], []],
    ['are fewer while a holder above a lowered limit goes on', 2, [3], [1]],
    ['are none while holders above a lowered limit fill it', 2, [3, 4], []],
    ['count a low and a high holder', 2, [2, 3], []],
    ['count a low holder once', 3, [1, 5], [2]],
    ['are there at once for a raised limit', 4, [1, 2], [3, 4]],
  ])('%s', (_title, limit, held, free) => {
    expect(freeSlots(limit, held)).toEqual(free)
  })

  test('never let more in than the limit, in whatever order contenders looked and claimed', () => {
    for (let limit = 1; limit <= 3; limit++) {
      // Holders of slots up to 4, left by a higher limit; those above the limit may leave at any time.
      for (let mask = 0; mask < 16; mask++) {
        const before = [1, 2, 3, 4].filter((slot) => mask & (1 << (slot - 1)))
        const seen = freeSlots(limit, before)
        for (const gone of [[], ...before.map((slot) => [slot]), before]) {
          const now = before.filter((slot) => !gone.includes(slot))
          const later = freeSlots(limit, now)
          // Two contenders: one that looked before somebody left, one that looked after.
          const inside = new Set([...now, ...seen.filter((slot) => !now.includes(slot)), ...later])
          expect(inside.size).toBeLessThanOrEqual(Math.max(limit, now.length))
        }
      }
    }
  })
})

test('the key of a slot is its folder and a number, and nothing else', () => {
  for (const slot of [1, 12, 999_999]) expect(slotNumber('a/b', `a/b/${slot}`)).toBe(slot)
  for (const key of ['a/b/0', 'a/b/01', 'a/b/x', 'a/b/1/2', 'a/bc/1', 'a/b', 'a/b/1234567']) {
    expect(slotNumber('a/b', key)).toBeUndefined()
  }
})
