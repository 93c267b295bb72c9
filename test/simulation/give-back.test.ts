import { expect, test } from 'vitest'
import { planTiming } from '../../src/lock/lease-timing.ts'
import type { PlannedRun, Schedule } from './schedule.ts'
import { tell } from './story.ts'

const timing = planTiming({})
const forEver = { runsMs: 600_000, termTakesMs: 1000 }

/** A holder whose network is a black hole, and another machine that waits until a moment before the session expires. */
function story(kind: 'black-hole' | 'refused', toMs: number, waitsUntilMs: number): Schedule {
  const run = (about: Partial<PlannedRun>): PlannedRun => ({
    atMs: 0,
    waitMs: Number.POSITIVE_INFINITY,
    timing,
    script: forEver,
    ...about,
  })
  const next = run({ atMs: 1000, waitMs: waitsUntilMs - 1000, script: { runsMs: 10, termTakesMs: 0 } })
  return {
    machines: [
      { rate: 1, runs: [run({})], wire: [{ fromMs: 5000, toMs, kind }] },
      { rate: 1, runs: [next], wire: [] },
    ],
    incidents: [],
    calmMs: 60_000,
  }
}

test.each([
  ['refused', 2500],
  // What was sent into the hole is given up after 3 s; on a real network it is sent again meanwhile.
  ['black-hole', 4500],
] as const)('a lock that ended by its deadline is given back when the network (%s) is back', async (kind, withinMs) => {
  const backMs = 25_000
  const { outcomes, violations } = await tell(2, story(kind, backMs, backMs + withinMs))
  expect(violations).toEqual([])
  expect(outcomes).toEqual({ lost: 1, ran: 1 })
})
