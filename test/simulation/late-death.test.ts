import { expect, test } from 'vitest'
import { planTiming } from '../../src/lock/lease-timing.ts'
import type { Incident, PlannedRun, Schedule } from './schedule.ts'
import { tell } from './story.ts'

const timing = planTiming({})

/** A holder that is cut off right after a renewal, and whose session dies at once, while another waits. */
function story(incident: Pick<Incident, 'kind' | 'atMs' | 'lastsMs'>): Schedule {
  const cutMs = timing.renewMs + 20
  const run: PlannedRun = {
    atMs: 0,
    waitMs: Number.POSITIVE_INFINITY,
    timing,
    script: { runsMs: 600_000, termTakesMs: Number.POSITIVE_INFINITY },
  }
  const next: PlannedRun = { ...run, atMs: 1000, script: { runsMs: 10, termTakesMs: 0 } }
  return {
    machines: [
      { rate: 1, runs: [run], wire: [{ fromMs: cutMs, toMs: 120_000, kind: 'black-hole' }] },
      { rate: 1, runs: [next], wire: [] },
    ],
    incidents: [
      // The read that waits already would come through, and tell it.
      { kind: 'stir-reads', atMs: cutMs + 10, machine: 0, lastsMs: 0 },
      { kind: 'destroy-session', atMs: cutMs + 20, machine: 0, lastsMs: 0 },
      { ...incident, machine: 0 },
    ],
    calmMs: 120_000,
  }
}

test.each<[string, Incident['kind'], number]>([
  ['lives', 'stir-reads', timing.renewMs],
  ['is killed when its lease is nearly over', 'kill-runner', timing.renewMs + timing.ttlMs - 100],
  ['is killed when its grace is nearly over', 'kill-runner', timing.renewMs + timing.ttlMs + timing.graceMs - 100],
  ['is stopped when its grace has begun', 'stop-runner', timing.renewMs + timing.ttlMs + 100],
])('the command of a holder that %s is dead before anybody else has the lock', async (_, kind, atMs) => {
  const { outcomes, violations } = await tell(2, story({ kind, atMs, lastsMs: 60_000 }))
  expect(violations).toEqual([])
  expect(outcomes).toMatchObject({ ran: 1 })
})
