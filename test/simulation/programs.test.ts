import { describe, expect, test, vi } from 'vitest'
import { tellPrograms } from './program-story.ts'
import { scheduleOf } from './schedule.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'

vi.setConfig({ testTimeout: STORY_PATIENCE_MS })

const SEEDS = seedsOf(400)

describe('seeded stories of programs that lock by the library, beside the command', () => {
  test(`never let work go on beside another’s that its signal has not told to stop a grace ago, always end, and leave nothing (${describeSeeds(SEEDS)})`, async () => {
    const violations: string[] = []
    const ends: Record<string, number> = {}
    let lives = 0
    for (const seed of SEEDS) {
      const ending = await tellPrograms(seed)
      lives += ending.lives
      for (const [end, count] of Object.entries(ending.ends)) ends[end] = (ends[end] ?? 0) + count
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(lives).toBeGreaterThan(SEEDS.length)
    expect(Object.keys(ends).sort()).toEqual(['done', 'given-up', 'killed', 'lost', 'refused'])
  })

  test('tell the same twice for one seed', async () => {
    expect(await tellPrograms(7)).toEqual(await tellPrograms(7))
  })

  test('find out a clock that is slower than the promise allows', async () => {
    let overlaps = 0
    for (const seed of SEEDS) {
      if (overlaps > 0) break
      const schedule = scheduleOf(seed)
      const machines = schedule.machines.map((machine) => ({ ...machine, rate: machine.rate / 4 }))
      const { violations } = await tellPrograms(seed, { ...schedule, machines })
      overlaps += violations.filter((violation) => violation.includes('begins while')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})
