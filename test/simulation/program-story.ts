import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { Dice } from '../virtual/dice.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { strike } from './incident.ts'
import { Ledger } from './ledger.ts'
import { SimulatedProgram } from './program.ts'
import { LOCK_KEY, SimulatedRunner, type Stage } from './runner.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import { AFTERMATH_MS, commitMs } from './story.ts'

/** How the story of programs with one lock ended. */
export interface ProgramEnding {
  readonly violations: readonly string[]
  readonly lives: number
  /** Overlaps for which the promise makes an exception, by name. */
  readonly excused: number
  /** How the programs' calls settled, counted. */
  readonly ends: Readonly<Record<string, number>>
}

/** One run in so many is the command's, which contends for the same lock. */
const COMMANDS = 0.25

/** Lets programs that use the library, and runs of the command, contend for a lock through a seed's faults. */
export async function tellPrograms(seed: number, schedule: Schedule = scheduleOf(seed)): Promise<ProgramEnding> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const agent = new DevAgent({ clock: time, random: dice.next, commitMs: () => commitMs(dice) })
  const stage: Stage = { time, dice, ledger: new Ledger(), agent }
  const parts: (SimulatedProgram | SimulatedRunner)[][] = schedule.machines.map(() => [])
  for (const [number, machine] of schedule.machines.entries()) {
    for (const [nth, plan] of machine.runs.entries()) {
      const Part = dice.chance(COMMANDS) ? SimulatedRunner : SimulatedProgram
      time.after(plan.atMs, () => parts[number]?.push(new Part(stage, machine, plan, `m${number}/${nth}`)))
    }
  }
  for (const incident of schedule.incidents) {
    time.after(incident.atMs, () => strike(stage, incident, parts[incident.machine]?.at(-1)))
  }
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  return endingOf(stage, parts.flat())
}

function endingOf({ ledger, agent }: Stage, parts: readonly (SimulatedProgram | SimulatedRunner)[]): ProgramEnding {
  const violations = [...ledger.violations]
  const unended = parts.filter(({ process }) => !process.isDead)
  if (unended.length > 0) violations.push(`${unended.length} have not ended`)
  if (ledger.living > 0) violations.push(`${ledger.living} still live`)
  const sessions = agent.operator.sessions().length
  if (sessions > 0) violations.push(`${sessions} sessions are left`)
  if (agent.operator.holder(LOCK_KEY)) violations.push('the lock is still held')
  const programs = parts.filter((part) => part instanceof SimulatedProgram)
  const settled = programs.filter(({ end }) => end !== undefined)
  const kept = settled.filter(({ clients }) => clients !== 0)
  if (kept.length > 0) violations.push(`${kept.length} programs have a client left`)
  const ends: Record<string, number> = {}
  for (const { end = 'killed' } of programs) ends[end] = (ends[end] ?? 0) + 1
  return { violations, lives: ledger.lives, excused: ledger.excused, ends }
}
