import { describe, expect, test } from 'vitest'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { leaseTimeline } from '../../src/lock/lease-timeline.ts'
import { planTiming, type Timing } from '../../src/lock/lease-timing.ts'
import { Dice } from '../virtual/dice.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { Ledger } from './ledger.ts'
import { LOCK_KEY, SimulatedRunner, type Stage } from './runner.ts'
import type { PlannedMachine, Script } from './schedule.ts'

const END_MS = 500_000
const STEP_MS = 5
/** From the sending of the last renewal that is answered until the wire is a black hole. */
const CUT_MS = 20
/** The first renewal is sent this much later than it is due. */
const EARLY_MS = 10
/** Looks at the group, KILL. */
const LATE_MS = 150
/** The next one hears that the lock-delay is over, and claims. */
const NEXT_MS = 2000
/** Consul lets sessions live a little longer than two TTLs. */
const EXPIRY_JITTER = 0.01

const TIMINGS: readonly Partial<Timing>[] = [
  {},
  { ttlMs: 10_000, graceMs: 0 },
  { ttlMs: 20_000, renewMs: 3000, graceMs: 9000 },
  { lockDelayMs: 60_000 },
]

/** What happened when, in milliseconds from the sending of the last renewal that was answered. */
interface Course {
  readonly deadMs: number
  readonly sessionEndMs: number
  readonly nextMs: number
}

type Blow = (stage: Stage, holder: SimulatedRunner) => void

/** A holder's course that is cut off right after its first renewal; then comes the blow. Another machine waits. */
async function courseOf(timing: Timing, termTakesMs: number, blow: Blow = () => {}): Promise<Course> {
  const time = new VirtualClock()
  const dice = new Dice(7)
  const agent = new DevAgent({ clock: time, random: dice.next })
  const stage: Stage = { time, dice, ledger: new Ledger(), agent }
  const cut = { fromMs: timing.renewMs + CUT_MS, toMs: END_MS, kind: 'black-hole' } as const
  const begin = (name: string, script: Script, wire: PlannedMachine['wire']) =>
    new SimulatedRunner(
      stage,
      { rate: 1, runs: [], wire },
      { atMs: 0, waitMs: Number.POSITIVE_INFINITY, timing, script },
      name,
    )
  const holder = begin('m0/0', { runsMs: END_MS, termTakesMs }, [cut])
  await time.advance(500)
  const next = begin('m1/0', { runsMs: 10, termTakesMs: 0 }, [])
  await time.advance(timing.renewMs + CUT_MS - 500)
  const session = agent.operator.holder(LOCK_KEY)
  // The read that waits already would come through, and tell it.
  agent.operator.stirBlockedReads()
  await time.advance(STEP_MS)
  blow(stage, holder)
  const [dead, sessionEnd, won] = [
    () => holder.commandEnd !== undefined,
    () => !agent.operator.sessions().some(({ id }) => id === session),
    () => next.began,
  ].map((isSo) => ({ isSo, atMs: Number.NaN })) as [Seen, Seen, Seen]
  for (const all = [dead, sessionEnd, won]; all.some(({ atMs }) => Number.isNaN(atMs)) && time.nowMs < END_MS; ) {
    for (const seen of all) if (Number.isNaN(seen.atMs) && seen.isSo()) seen.atMs = time.nowMs - timing.renewMs
    await time.advance(STEP_MS)
  }
  expect(stage.ledger.violations).toEqual([])
  return { deadMs: dead.atMs, sessionEndMs: sessionEnd.atMs, nextMs: won.atMs }
}

interface Seen {
  readonly isSo: () => boolean
  atMs: number
}

function expectSoonAfter(atMs: number, promisedMs: number, latestMs = LATE_MS): void {
  expect(atMs).toBeGreaterThanOrEqual(promisedMs - EARLY_MS)
  expect(atMs).toBeLessThanOrEqual(promisedMs + latestMs)
}

describe.each(TIMINGS)('the timeline of %j is what a run lives by:', (wanted) => {
  const timing = planTiming(wanted)
  const timeline = leaseTimeline(timing)

  test('TERM at the deadline, the session expires, and the next comes after its lock-delay', async () => {
    const { deadMs, sessionEndMs, nextMs } = await courseOf(timing, 0)
    expectSoonAfter(deadMs, timeline.deadlineMs)
    expectSoonAfter(sessionEndMs, timeline.expiryMs, timeline.expiryMs * EXPIRY_JITTER + LATE_MS)
    expectSoonAfter(nextMs, timeline.nextAfterExpiryMs, timeline.expiryMs * EXPIRY_JITTER + NEXT_MS)
  })

  test('KILL for a command that TERM does not end', async () => {
    expectSoonAfter((await courseOf(timing, Number.POSITIVE_INFINITY)).deadMs, timeline.killMs)
  })

  test('the guardian ends the command of a runner that is stopped', async () => {
    const stop: Blow = (_, holder) => holder.process.stop()
    expectSoonAfter((await courseOf(timing, 0, stop)).deadMs, timeline.guardian.actsMs)
    expectSoonAfter((await courseOf(timing, Number.POSITIVE_INFINITY, stop)).deadMs, timeline.guardian.killMs)
  })

  test('the earliest next holder is that of a session which was destroyed right after the renewal', async () => {
    const destroy: Blow = ({ agent }) => agent.operator.destroySession(agent.operator.holder(LOCK_KEY) ?? '')
    const { deadMs, nextMs } = await courseOf(timing, Number.POSITIVE_INFINITY, destroy)
    expectSoonAfter(deadMs, timeline.killMs)
    expectSoonAfter(nextMs, timeline.nextHolderMs, NEXT_MS)
    expect(nextMs).toBeGreaterThan(deadMs)
  })
})
