import { planTiming, type Timing } from '../../src/lock/lease-timing.ts'
import { Dice } from '../virtual/dice.ts'
import type { PlannedPause } from './pauses.ts'

/** What a command does. */
export interface Script {
  readonly runsMs: number
  /** Milliseconds from TERM to its end; `Infinity`: only KILL ends it. */
  readonly termTakesMs: number
}

/** One run of the lock runner. */
export interface PlannedRun {
  readonly atMs: number
  readonly waitMs: number
  readonly timing: Timing
  readonly script: Script
  /** Absent in most runs. */
  readonly gates?: PlannedGates
  /** It doesn't know of pauses. */
  readonly isHeedless?: boolean
}

/** What a run waits for besides the lock. */
export interface PlannedGates {
  /** From the first look until they are open, before the command starts. */
  readonly opensMs: number
  /** How long one look takes. */
  readonly lookMs: number
  /** How probable it is that they have shut when the lock is won. */
  readonly shuts: number
  /** How long the lock is kept after the command's success. */
  readonly lingersMs: number
}

/** A machine with an agent, whose clock ticks at a rate of its own. */
export interface PlannedMachine {
  readonly rate: number
  readonly runs: readonly PlannedRun[]
  /** What is wrong between the runner and its agent, and when. */
  readonly wire: readonly WireFault[]
}

export interface WireFault {
  readonly fromMs: number
  readonly toMs: number
  readonly kind: (typeof WIRE_FAULTS)[number]
}

export const WIRE_FAULTS = [
  'refused',
  'black-hole',
  'cut',
  'reply-lost',
  'error-500',
  'limited-429',
  'overloaded-503',
  'garbage',
  'truncated',
  'masked-500',
  'slow',
  'late',
  'very-late',
] as const

/** Something that happens to a machine's runner, or to the cluster. */
export interface Incident {
  readonly atMs: number
  readonly kind: (typeof INCIDENTS)[number] | 'ask-for-lock'
  readonly machine: number
  /** For those that last. */
  readonly lastsMs: number
}

export const INCIDENTS = [
  'kill-runner',
  'stop-runner',
  'kill-guardian',
  'signal-int',
  'signal-term',
  'signal-twice',
  'set-wall-clock',
  'destroy-session',
  'node-critical',
  'delete-key',
  'force-release',
  'no-leader',
  'change-leader',
  'restart-servers',
  'forget-lock-delays',
  'restore-snapshot',
  'stir-reads',
  'stop-servers',
  'stand-in-line',
  'write-over',
] as const

/** A whole story: who contends when, and what goes wrong. The same seed gives the same story. */
export interface Schedule {
  readonly machines: readonly PlannedMachine[]
  readonly incidents: readonly Incident[]
  /** Absent in most stories. */
  readonly pauses?: readonly PlannedPause[]
  /** After this nothing goes wrong any more, and everything must come to its end. */
  readonly calmMs: number
}

const CALM_MS = 240_000

/** Clocks' rates differ from Consul's by up to a tenth, which is all that the promise takes. */
const DRIFT = 1.1

/** Makes the story of a seed. */
export function scheduleOf(seed: number): Schedule {
  const dice = new Dice(seed)
  const isCalm = dice.chance(0.1)
  const machines = Array.from({ length: dice.whole(2, 5) }, () => machine(dice, isCalm))
  // With dice of their own: stories without gates are what they were before there were any.
  const gated = machines.map((machine) => withGates(machine, new Dice(~seed)))
  const incidents = Array.from({ length: isCalm ? 0 : dice.whole(0, 8) }, () => incident(dice, machines.length))
  // With dice of their own, too.
  const requests = isCalm ? [] : requestsFor(new Dice(seed ^ 0x5eed), machines.length)
  return { machines: gated, incidents: [...incidents, ...requests].sort((a, b) => a.atMs - b.atMs), calmMs: CALM_MS }
}

/** The same story with another lock-delay for all, in milliseconds. */
export function withLockDelay(schedule: Schedule, lockDelayMs: number): Schedule {
  const machines = schedule.machines.map((machine) => ({
    ...machine,
    runs: machine.runs.map((run) => ({ ...run, timing: { ...run.timing, lockDelayMs } })),
  }))
  return { ...schedule, machines }
}

/** In some stories people ask for the lock, some of them again and again. */
function requestsFor(dice: Dice, machines: number): Incident[] {
  const count = dice.chance(0.6) ? 0 : dice.whole(1, 4)
  return Array.from({ length: count }, () => ({ ...incident(dice, machines), kind: 'ask-for-lock' as const }))
}

function machine(dice: Dice, isCalm: boolean): PlannedMachine {
  const runs = Array.from({ length: dice.whole(1, 3) }, () => run(dice))
  const wire = Array.from({ length: isCalm ? 0 : dice.whole(0, 3) }, () => wireFault(dice))
  return {
    rate: dice.pick([1, 1, dice.between(1 / DRIFT, DRIFT), 1 / DRIFT]),
    runs: runs.sort((a, b) => a.atMs - b.atMs),
    wire,
  }
}

function withGates(machine: PlannedMachine, dice: Dice): PlannedMachine {
  const runs = machine.runs.map((run) => (dice.chance(0.85) ? run : { ...run, gates: gates(dice) }))
  return { ...machine, runs }
}

function gates(dice: Dice): PlannedGates {
  return {
    opensMs: dice.pick([0, dice.between(0, 20_000)]),
    lookMs: dice.pick([0, dice.between(0, 1000), dice.between(0, 30_000)]),
    shuts: dice.pick([0, 0.3]),
    lingersMs: dice.pick([0, dice.between(0, 5000), dice.between(0, 60_000)]),
  }
}

function run(dice: Dice): PlannedRun {
  return {
    atMs: dice.chance(0.3) ? 0 : dice.between(0, 120_000),
    waitMs: dice.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, dice.between(1000, 60_000)]),
    timing: planTiming(
      dice.chance(0.5) ? {} : { ttlMs: dice.whole(10, 20) * 1000, graceMs: dice.pick([0, 500, 2000, 5000, 9000]) },
    ),
    script: {
      runsMs: dice.pick([dice.between(0, 50), dice.between(0, 5000), dice.between(5000, 90_000)]),
      termTakesMs: dice.pick([0, dice.between(0, 1000), dice.between(0, 8000), Number.POSITIVE_INFINITY]),
    },
  }
}

function wireFault(dice: Dice): WireFault {
  const fromMs = dice.between(0, 150_000)
  return { fromMs, toMs: fromMs + dice.pick([500, 2000, 8000, 20_000, 60_000]), kind: dice.pick(WIRE_FAULTS) }
}

function incident(dice: Dice, machines: number): Incident {
  return {
    atMs: dice.between(0, 160_000),
    kind: dice.pick(INCIDENTS),
    machine: dice.whole(0, machines - 1),
    lastsMs: dice.pick([500, 3000, 9000, 18_000, 40_000]),
  }
}
