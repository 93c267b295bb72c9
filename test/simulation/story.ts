import { Failure } from '../../src/base/failure.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import type { Period } from '../../src/run/history/period.ts'
import { Dice } from '../virtual/dice.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { liesIn, TAMPERING } from './history-judge.ts'
import { strike } from './incident.ts'
import { Ledger } from './ledger.ts'
import { Pauses } from './pauses.ts'
import { LOCK_KEY, SimulatedRunner, type Stage } from './runner.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

/** How one seed's story ended. */
export interface Ending {
  readonly seed: number
  /** What must never be; empty when all is well. */
  readonly violations: readonly string[]
  /** Commands that ran. */
  readonly lives: number
  /** Those of them that began when a pause was over. */
  readonly begunAfterwards: number
  /** Overlaps that the design excludes by name. */
  readonly excused: number
  readonly requests: number
  /** How the runs ended, counted. */
  readonly outcomes: Readonly<Record<string, number>>
}

/**
 * From the calm on, this is enough for every session to expire and a line of slow runs to end, on the slowest clock.
 */
export const AFTERMATH_MS = 800_000

/** Lets the story of a seed happen on a virtual clock. */
export async function tell(
  seed: number,
  schedule: Schedule = scheduleOf(seed),
  { period, witness }: StoryOptions = {},
): Promise<Ending> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const agent = new DevAgent({ clock: time, random: dice.next, commitMs: () => commitMs(dice) })
  const pauses = new Pauses(time, agent, LOCK_KEY, dice.next)
  const stage = { time, dice, ledger: new Ledger(), period, agent, pauses }
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
  for (const pause of schedule.pauses ?? []) time.after(pause.atMs, () => void pauses.begin(pause))
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  witness?.(stage)
  const isTampered = schedule.incidents.some(({ kind }) => TAMPERING.includes(kind))
  const lies = isTampered ? [] : liesIn(stage, runners.flat())
  return ending(seed, stage, pauses, runners.flat(), lies)
}

/** What is other than usual about a story. */
export interface StoryOptions {
  /** The command is to run once in it. */
  readonly period?: Period
  /** Looks at what is left when all is over. */
  readonly witness?: (stage: Stage) => void
}

/** A raft log's time for an entry: a disk's, and now and then a busy disk's. */
export function commitMs(dice: Dice): number {
  return dice.chance(0.1) ? dice.between(20, 500) : dice.between(0.5, 5)
}

function ending(
  seed: number,
  { ledger, agent }: Stage,
  pauses: Pauses,
  runners: readonly SimulatedRunner[],
  lies: readonly string[],
): Ending {
  const violations = [...ledger.violations, ...pauses.violations, ...lies]
  const unended = runners.filter((runner) => !runner.process.isDead)
  if (unended.length > 0) violations.push(`${unended.length} runs have not ended`)
  if (ledger.living > 0) violations.push(`${ledger.living} commands still live`)
  const sessions = agent.operator.sessions().length
  if (sessions > 0) violations.push(`${sessions} sessions are left`)
  if (agent.operator.holder(LOCK_KEY)) violations.push('the lock is still held')
  const outcomes: Record<string, number> = {}
  for (const { outcome } of runners) {
    const kind = outcome === undefined ? 'killed' : outcome instanceof Failure ? outcome.code : outcome.kind
    outcomes[kind] = (outcomes[kind] ?? 0) + 1
  }
  const { begunAfterwards } = pauses
  return {
    seed,
    violations,
    begunAfterwards,
    lives: ledger.lives,
    excused: ledger.excused,
    requests: agent.requests,
    outcomes,
  }
}
