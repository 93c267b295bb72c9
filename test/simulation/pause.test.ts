import { describe, expect, test } from 'vitest'
// Virtual time doesn't wait for it to be loaded.
import '../../src/lock/pause-wait.ts'
import { Dice } from '../virtual/dice.ts'
import type { PlannedPause } from './pauses.ts'
import { type Incident, type Schedule, scheduleOf } from './schedule.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'
import { tell } from './story.ts'

const SEEDS = seedsOf(1000)

/** What would undo a pause behind its back, or judge it by another clock than the one it was heeded by. */
const NOT_HERE: readonly Incident['kind'][] = ['restore-snapshot', 'set-wall-clock']

/** The story of a seed, with pauses in it. */
function pausedStory(seed: number, isHeedless = false): Schedule {
  const dice = new Dice(seed ^ 0x5eed)
  const schedule = scheduleOf(seed)
  return {
    ...schedule,
    machines: schedule.machines.map((machine) => ({
      ...machine,
      runs: machine.runs.map((run) => ({ ...run, isHeedless })),
    })),
    incidents: schedule.incidents.filter(({ kind }) => !NOT_HERE.includes(kind)),
    pauses: Array.from({ length: dice.whole(1, 3) }, () => pause(dice)),
  }
}

function pause(dice: Dice): PlannedPause {
  const resumed = dice.chance(0.4) ? { resumedAfterMs: dice.between(0, 60_000) } : {}
  return { atMs: dice.between(0, 120_000), forMs: dice.between(1000, 60_000), isAll: dice.chance(0.3), ...resumed }
}

describe('seeded stories with pauses', () => {
  test(
    `never let a command begin while its lock is paused, and all who wait begin afterwards (${describeSeeds(SEEDS)})`,
    async () => {
      const violations: string[] = []
      let begunAfterwards = 0
      for (const seed of SEEDS) {
        const ending = await tell(seed, pausedStory(seed))
        begunAfterwards += ending.begunAfterwards
        violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
      }
      expect(violations).toEqual([])
      expect(begunAfterwards).toBeGreaterThan(SEEDS.length)
    },
    STORY_PATIENCE_MS,
  )

  test('find out who doesn’t heed them', async () => {
    let violations = 0
    for (const seed of SEEDS) {
      if (violations > 0) break
      const ending = await tell(seed, pausedStory(seed, true))
      violations += ending.violations.filter((violation) => violation.includes('though')).length
    }
    expect(violations).toBeGreaterThan(0)
  })
})
