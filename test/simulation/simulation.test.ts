import { describe, expect, test } from 'vitest'
import { scheduleOf, withLockDelay } from './schedule.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'
import { tell } from './story.ts'

const SEEDS = seedsOf(3000)

describe('seeded stories of contenders, faults and operators', () => {
  test(
    `never let two commands live at once, always end, and leave no session (${describeSeeds(SEEDS)})`,
    async () => {
      const violations: string[] = []
      let lives = 0
      for (const seed of SEEDS) {
        const ending = await tell(seed)
        lives += ending.lives
        violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
      }
      expect(violations).toEqual([])
      expect(lives).toBeGreaterThan(SEEDS.length)
    },
    STORY_PATIENCE_MS,
  )

  test('tell the same twice for one seed', async () => {
    expect(await tell(7)).toEqual(await tell(7))
  })

  test('find out a lock-delay that is too short', async () => {
    let overlaps = 0
    for (const seed of SEEDS) {
      if (overlaps > 0) break
      const { violations } = await tell(seed, withLockDelay(scheduleOf(seed), 1))
      overlaps += violations.filter((violation) => violation.includes('begins while')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})
