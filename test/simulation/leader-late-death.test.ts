import { expect, test } from 'vitest'
import { GUARDIAN_SLACK_MS } from '../../src/lock/lease-timing.ts'
import { Dice } from '../virtual/dice.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { GRACE_MS, SimulatedAgent } from './leader/agent.ts'
import { LIMITS, SimulatedApplication } from './leader/application.ts'
import { leaderStage } from './leader/story.ts'

/** A fence ends by TERM, KILL, or its own end, at the next look of somebody. */
const LATENESS_MS = 500

/** A master on a machine of its own, right after a renewal; from then on it hears nothing of Consul. */
async function cutOff(): Promise<{ time: VirtualClock; agent: SimulatedAgent; application: SimulatedApplication }> {
  const time = new VirtualClock()
  const dice = new Dice(5)
  const stage = leaderStage(time, dice)
  const application = new SimulatedApplication('m0', time, dice, stage.ledger)
  const wire: { fromMs: number; toMs: number; kind: 'black-hole' }[] = []
  const agent = new SimulatedAgent(stage, { rate: 1, runs: [], wire }, application)
  await time.advance(30_000)
  for (let before = 0; agent.leaseLeftMs <= before; ) {
    before = agent.leaseLeftMs
    await time.advance(50)
  }
  wire.push({ fromMs: time.nowMs, toMs: Number.POSITIVE_INFINITY, kind: 'black-hole' })
  expect(application.isMaster).toBe(true)
  return { time, agent, application }
}

test.each<[string, (agent: SimulatedAgent) => void, number]>([
  ['lives', () => {}, 0],
  ['is killed when its lease is nearly over', ({ process }) => process.end(), -100],
  ['is killed while it demotes', ({ process }) => process.end(), LIMITS.demoteMs - 100],
  ['is killed while it fences', ({ process }) => process.end(), LIMITS.demoteMs + 1500],
  ['is stopped when its lease is nearly over', ({ process }) => process.stop(), -100],
  ['is stopped while it demotes', ({ process }) => process.stop(), 1000],
])(
  'the application of an agent that %s is dead by TTL and grace, though its demotion hangs',
  async (_, strike, atMs) => {
    const { time, agent, application } = await cutOff()
    application.hangsDemotion = true
    application.fenceTakesMs = 3000
    const leaseEndMs = time.nowMs + agent.leaseLeftMs
    time.after(leaseEndMs + atMs - time.nowMs, () => strike(agent))
    await time.advance(leaseEndMs + GRACE_MS + GUARDIAN_SLACK_MS + LATENESS_MS - time.nowMs)
    expect(application.isMaster).toBe(false)
  },
)
