import { describe, expect, test, vi } from 'vitest'
import { planTiming } from '../../src/lock/lease-timing.ts'
import { type Crowd, READERS_AND_WRITERS, SETS_OF_LOCKS, slotsCrowd, tellCrowd } from './crowd-story.ts'
import type { Incident, Schedule } from './schedule.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'

vi.setConfig({ testTimeout: STORY_PATIENCE_MS })

const SEEDS = seedsOf(250)

/** A seed whose first run holds what the second one wants. */
describe.each<[string, Crowd, most: number, seed: number]>([
  ['one slot', slotsCrowd(1), 1, 0],
  ['readers and writers', READERS_AND_WRITERS, 2, 2],
  ['several locks', SETS_OF_LOCKS, 2, 1],
])('seeded stories of contenders for %s', (_, crowd, most, seed) => {
  test(`never let more live at once than may, always end, and leave no session (${describeSeeds(SEEDS)})`, async () => {
    const violations: string[] = []
    let lives = 0
    let full = 0
    for (const seed of SEEDS) {
      const ending = await tellCrowd(seed, crowd)
      lives += ending.lives
      full += ending.most >= most ? 1 : 0
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(lives).toBeGreaterThan(SEEDS.length)
    expect(full).toBeGreaterThan(SEEDS.length / 4)
  })

  test('keep a holder that is cut off alone until its command is dead, by the lock-delay', async () => {
    const { violations, outcomes } = await tellCrowd(seed, crowd, cutOff(planTiming({}).lockDelayMs))
    expect(violations).toEqual([])
    expect(outcomes).toMatchObject({ ran: 1 })
    const short = await tellCrowd(seed, crowd, cutOff(1))
    expect(short.violations).toEqual([expect.stringContaining('begins while')])
  })
})

test(`seeded stories of contenders for two slots never let three live at once (${describeSeeds(SEEDS)})`, async () => {
  let full = 0
  for (const seed of SEEDS) {
    const { violations, most } = await tellCrowd(seed, slotsCrowd(2))
    expect(violations, `seed ${seed}`).toEqual([])
    full += most === 2 ? 1 : 0
  }
  expect(full).toBeGreaterThan(SEEDS.length / 2)
})

/** A holder that is cut off right after a renewal, and whose session dies at once, while another waits. */
function cutOff(lockDelayMs: number): Schedule {
  const timing = { ...planTiming({}), lockDelayMs }
  const cutMs = timing.renewMs + 20
  const script = { runsMs: 600_000, termTakesMs: Number.POSITIVE_INFINITY }
  const holder = { atMs: 0, waitMs: Number.POSITIVE_INFINITY, timing, script }
  const next = { ...holder, atMs: 1000, script: { runsMs: 10, termTakesMs: 0 } }
  const incident = (kind: Incident['kind'], afterMs: number): Incident => ({
    kind,
    atMs: cutMs + afterMs,
    machine: 0,
    lastsMs: 0,
  })
  return {
    machines: [
      { rate: 1, runs: [holder], wire: [{ fromMs: cutMs, toMs: 120_000, kind: 'black-hole' }] },
      { rate: 1, runs: [next], wire: [] },
    ],
    incidents: [
      // The read that waits already would come through, and tell it.
      incident('stir-reads', 10),
      // Now and then it is the other one's session, who makes another.
      ...Array.from({ length: 6 }, (_, n) => incident('destroy-session', 20 + 100 * n)),
    ],
    calmMs: 120_000,
  }
}
