import { Failure } from '../../src/base/failure.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { lockSetOf } from '../../src/lock/lock-set.ts'
import { readersOf } from '../../src/lock/readers.ts'
import { oneOfSlots, slotsPlace } from '../../src/lock/slots.ts'
import { writerAmong } from '../../src/lock/writer.ts'
import { Dice } from '../virtual/dice.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { CrowdLedger, type MayCome } from './crowd-ledger.ts'
import { strike } from './incident.ts'
import { LOCK_KEY, LOCK_NAME, SimulatedRunner, type Stage, type Wanted } from './runner.ts'
import { type Incident, type Schedule, scheduleOf } from './schedule.ts'

/** What a crowd contends for: each run by its number, and who may be in at once. */
export interface Crowd {
  readonly wantedBy: (nth: number) => Wanted & { readonly title: string }
  readonly mayCome: MayCome
}

const kindOf = (run: string) => run.slice(run.indexOf(' ') + 1)

/** So many at a time. */
export function slotsCrowd(limit: number): Crowd {
  const place = slotsPlace(`${LOCK_KEY}/.lock`, LOCK_KEY)
  return {
    wantedBy: () => ({
      title: 'slot',
      key: place.list,
      behavior: 'delete',
      compound: oneOfSlots(LOCK_NAME, place, limit),
    }),
    mayCome: (_, living) => living.length < limit,
  }
}

/** Two readers to a writer. */
export const READERS_AND_WRITERS: Crowd = {
  wantedBy: (nth) =>
    nth % 3 === 0
      ? { title: 'writer', key: LOCK_KEY, amongHolders: writerAmong }
      : { title: 'reader', key: LOCK_KEY, behavior: 'delete', compound: readersOf(LOCK_NAME, LOCK_KEY) },
  mayCome: (run, living) => living.every((other) => kindOf(run) === 'reader' && kindOf(other) === 'reader'),
}

const SETS = ['a', 'ab', 'b', 'ba', 'bc', 'B', 'cab', 'B', 'c'] as const

/** One lock, or several in any order; `B` reads what `b` locks. */
export const SETS_OF_LOCKS: Crowd = {
  wantedBy(nth) {
    const title = SETS[nth % SETS.length] as string
    const [first, ...others] = [...title].map((name) => ({ name, key: `${LOCK_KEY}-${name}` })) as [
      { name: string; key: string },
      ...{ name: string; key: string }[],
    ]
    if (title === 'B') {
      const key = `${LOCK_KEY}-b`
      return { title, key, behavior: 'delete', compound: readersOf(LOCK_NAME, key) }
    }
    if (others.length > 0) return { title, key: first.key, compound: lockSetOf([first, ...others]) }
    return { title, key: first.key, amongHolders: writerAmong }
  },
  mayCome: (run, living) => living.every((other) => !areRivals(kindOf(run), kindOf(other))),
}

function areRivals(one: string, other: string): boolean {
  if (one === 'B' && other === 'B') return false
  return [...one.toLowerCase()].some((name) => other.toLowerCase().includes(name))
}

/**
 * What no lock can survive (a key deleted by hand, a restored snapshot), and what is asked of the holder of one lock.
 */
const LEFT_OUT: readonly Incident['kind'][] = [
  'delete-key',
  'force-release',
  'forget-lock-delays',
  'restore-snapshot',
  'write-over',
  'ask-for-lock',
]

export interface CrowdEnding {
  readonly violations: readonly string[]
  readonly lives: number
  readonly most: number
  readonly outcomes: Readonly<Record<string, number>>
}

/**
 * From the calm on, this is enough for every session to expire and a line of slow runs to end, on the slowest clock.
 */
const AFTERMATH_MS = 1_200_000

/** Lets a crowd live through a seed's faults, on a virtual clock. */
export async function tellCrowd(
  seed: number,
  crowd: Crowd,
  schedule: Schedule = scheduleOf(seed),
): Promise<CrowdEnding> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const ledger = new CrowdLedger(crowd.mayCome)
  const agent = new DevAgent({ clock: time, random: dice.next, commitMs: () => dice.between(0.5, 5) })
  const stage: Stage = { time, dice, ledger, agent }
  const runners: SimulatedRunner[][] = schedule.machines.map(() => [])
  let nth = seed
  for (const [number, machine] of schedule.machines.entries()) {
    for (const [turn, plan] of machine.runs.entries()) {
      const { title, ...wanted } = crowd.wantedBy(nth++)
      const name = `m${number}/${turn} ${title}`
      time.after(plan.atMs, () => runners[number]?.push(new SimulatedRunner(stage, machine, plan, name, wanted)))
    }
  }
  for (const incident of schedule.incidents) {
    if (LEFT_OUT.includes(incident.kind)) continue
    time.after(incident.atMs, () => blow(stage, incident, runners[incident.machine]?.at(-1)))
  }
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  const all = runners.flat()
  const violations = [...ledger.violations]
  const unended = all.filter(({ process }) => !process.isDead)
  if (unended.length > 0) violations.push(`${unended.length} runs have not ended`)
  if (ledger.living > 0) violations.push(`${ledger.living} commands still live`)
  if (agent.operator.sessions().length > 0) violations.push(`${agent.operator.sessions().length} sessions are left`)
  return { violations, lives: ledger.lives, most: ledger.most, outcomes: counted(all) }
}

/** An operator destroys any session: of many holders none has the one key. */
function blow(stage: Stage, incident: Incident, runner: SimulatedRunner | undefined): void {
  const { operator } = stage.agent
  const [first, ...others] = operator.sessions()
  if (incident.kind !== 'destroy-session') strike(stage, incident, runner)
  else if (first) operator.destroySession(stage.dice.pick([first, ...others]).id)
}

function counted(runners: readonly SimulatedRunner[]): Record<string, number> {
  const outcomes: Record<string, number> = {}
  for (const { outcome } of runners) {
    const kind = outcome === undefined ? 'killed' : outcome instanceof Failure ? outcome.code : outcome.kind
    outcomes[kind] = (outcomes[kind] ?? 0) + 1
  }
  return outcomes
}
