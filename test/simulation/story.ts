import { Failure } from '../../src/base/failure.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../../src/devagent/virtual-clock.ts'
import { Dice } from './dice.ts'
import { strike } from './incident.ts'
import { Ledger } from './ledger.ts'
import { KEY, SimulatedRunner, type Stage } from './runner.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

/** How one seed's story ended. */
export interface Ending {
  readonly seed: number
  /** What must never be; empty when all is well. */
  readonly violations: readonly string[]
  /** Commands that ran. */
  readonly lives: number
  /** Overlaps that the design excludes by name. */
  readonly excused: number
  readonly requests: number
  /** How the runs ended, counted. */
  readonly outcomes: Readonly<Record<string, number>>
}

/** From the calm on, this is enough for every session to expire and a line of slow runs to end, on the slowest clock. */
const AFTERMATH_MS = 800_000

/** Lets the story of a seed happen on a virtual clock. */
export async function tell(seed: number, schedule: Schedule = scheduleOf(seed)): Promise<Ending> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const stage: Stage = {
    time,
    dice,
    ledger: new Ledger(),
    agent: new DevAgent({ clock: time, random: dice.next, commitMs: () => commitMs(dice) }),
  }
  const runners: SimulatedRunner[][] = schedule.machines.map(() => [])
  for (const [number, machine] of schedule.machines.entries()) {
    for (const [nth, plan] of machine.runs.entries()) {
      const begin = () => runners[number]?.push(new SimulatedRunner(stage, machine, plan, `m${number}/${nth}`))
      time.after(plan.atMs, begin)
    }
  }
  for (const incident of schedule.incidents) {
    time.after(incident.atMs, () => strike(stage, incident, runners[incident.machine]?.at(-1)))
  }
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  return ending(seed, stage, runners.flat())
}

/** A raft log's time for an entry: a disk's, and now and then a busy disk's. */
function commitMs(dice: Dice): number {
  return dice.chance(0.1) ? dice.between(20, 500) : dice.between(0.5, 5)
}

function ending(seed: number, { ledger, agent }: Stage, runners: readonly SimulatedRunner[]): Ending {
  const violations = [...ledger.violations]
  const unended = runners.filter((runner) => !runner.process.isDead)
  if (unended.length > 0) violations.push(`${unended.length} runs have not ended`)
  if (ledger.living > 0) violations.push(`${ledger.living} commands still live`)
  const sessions = agent.operator.sessions().length
  if (sessions > 0) violations.push(`${sessions} sessions are left`)
  if (agent.operator.holder(KEY)) violations.push('the lock is still held')
  const outcomes: Record<string, number> = {}
  for (const { outcome } of runners) {
    const kind = outcome === undefined ? 'killed' : outcome instanceof Failure ? outcome.code : outcome.kind
    outcomes[kind] = (outcomes[kind] ?? 0) + 1
  }
  return { seed, violations, lives: ledger.lives, excused: ledger.excused, requests: agent.requests, outcomes }
}
