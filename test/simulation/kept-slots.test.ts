import { describe, expect, test, vi } from 'vitest'
import { tellKeptSlots } from './kept-slot-story.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'

vi.setConfig({ testTimeout: STORY_PATIENCE_MS })

const SEEDS = seedsOf(200)

describe('seeded stories of hosts that reboot for an upgrade and keep their slots', () => {
  test.each([1, 2])(
    `never have more than %i at work or down, always end, and leave no slot taken (${describeSeeds(SEEDS)})`,
    async (limit) => {
      const violations: string[] = []
      let reboots = 0
      let full = 0
      for (const seed of SEEDS) {
        const ending = await tellKeptSlots(seed, limit)
        reboots += ending.reboots
        full += ending.most === limit ? 1 : 0
        violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
      }
      expect(violations).toEqual([])
      expect(reboots).toBeGreaterThan(SEEDS.length)
      expect(full).toBeGreaterThan(SEEDS.length / 2)
    },
  )

  test('find out a slot that is not kept', async () => {
    let overlaps = 0
    for (const seed of SEEDS) {
      if (overlaps > 0) break
      const { violations } = await tellKeptSlots(seed, 1, false)
      overlaps += violations.filter((violation) => violation.includes('there are')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})
