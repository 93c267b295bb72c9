import { describe, expect, test, vi } from 'vitest'
import { scheduleOf, withLockDelay } from './schedule.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'
import { tellSlots } from './slot-story.ts'

vi.setConfig({ testTimeout: STORY_PATIENCE_MS })

const SEEDS = seedsOf(200)

describe('seeded stories of contenders for the slots of a semaphore', () => {
  test.each([1, 2])(
    `never let more than %i live at once, always end, and leave no session (${describeSeeds(SEEDS)})`,
    async (limit) => {
      const violations: string[] = []
      let lives = 0
      let full = 0
      for (const seed of SEEDS) {
        const ending = await tellSlots(seed, limit)
        lives += ending.lives
        full += ending.most === limit ? 1 : 0
        violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
      }
      expect(violations).toEqual([])
      expect(lives).toBeGreaterThan(SEEDS.length)
      expect(full).toBeGreaterThan(SEEDS.length / 2)
    },
  )

  test('find out a lock-delay that is too short', async () => {
    let overlaps = 0
    for (const seed of SEEDS) {
      if (overlaps > 0) break
      const { violations } = await tellSlots(seed, 2, withLockDelay(scheduleOf(seed), 1))
      overlaps += violations.filter((violation) => violation.includes('there are')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})
