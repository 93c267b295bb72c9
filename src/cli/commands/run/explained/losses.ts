import { formatDuration as say } from '../../../../base/duration.ts'
import { type LeaseTimeline, silenceSurvivedMs } from '../../../../lock/lease-timeline.ts'
import { graceLeftMs, type Timing } from '../../../../lock/lease-timing.ts'
import { Loss } from '../../../../lock/loss.ts'
import { EXIT } from '../../../exit-codes.ts'
import type { Contingency } from './contingency.ts'
import type { HeldThing } from './held-thing.ts'

/** What of a run the losses of its lock depend on. */
export interface LosingRun {
  readonly timing: Timing
  readonly timeline: LeaseTimeline
  /** What tells the command to end: `TERM`. */
  readonly signal: string
  readonly held: HeldThing
  readonly hasGuardian: boolean
}

/** What a run does when its lock, its machine or its runner is lost. */
export function lossesOf(run: LosingRun): Contingency[] {
  return [
    ...ofSession(run),
    ofKey(run),
    ofMachine(run),
    ...(run.hasGuardian ? guarded(run) : unguarded(run)),
    sleep(run),
  ]
}

const LOST = `exit code ${EXIT.lost}`

function ended(signal: string, graceMs: number): string {
  return `${signal} at once, KILL ${say(graceMs)} later`
}

function ofSession({ timing, timeline, signal, held: { name, nobody } }: LosingRun): Contingency[] {
  const { renewMs, graceMs, lockDelayMs } = timing
  const { deadlineMs, killMs, expiryMs, nextAfterExpiryMs } = timeline
  const { leastMs, mostMs } = silenceSurvivedMs(timing)
  const noticed = `a watch on the key tells in a round trip, the renewals within ${say(renewMs)}`
  const survived = `${say(leastMs)} of it are survived if it begins right before a renewal, ${say(mostMs)} right after one`
  return [
    {
      when: 'the session is destroyed (by a person, a failed check, an agent that leaves)',
      happens: `${ended(signal, graceMs)} at most: ${noticed}. For ${say(lockDelayMs)} ${nobody} has ${name}; ${LOST}.`,
    },
    {
      when: 'Consul is silent (a cut cable, a dead agent, no leader)',
      happens: `${survived}. Then ${signal} at ${say(deadlineMs)}, KILL at ${say(killMs)}, ${LOST}; the session expires at ${say(expiryMs)}, and ${nobody} has ${name} before ${say(nextAfterExpiryMs)}.`,
    },
  ]
}

function ofKey({ timing, signal }: LosingRun): Contingency {
  const graceMs = graceLeftMs(timing, 0, new Loss('key-taken', ''))
  const tooLate = `If somebody else was faster: ${ended(signal, graceMs)}, ${LOST}.`
  return { when: 'the key is deleted', happens: `The same session takes it again, with a warning. ${tooLate}` }
}

function ofMachine({ timing, timeline, held: { name, nobody } }: LosingRun): Contingency {
  const found = `Consul finds the node dead, and for ${say(timing.lockDelayMs)} from then ${nobody} has ${name}`
  const unfound = `the session expires at ${say(timeline.expiryMs)}, and ${name} is closed until ${say(timeline.nextAfterExpiryMs)}`
  return { when: 'the machine dies', happens: `${found}. If it doesn't, ${unfound}.` }
}

const KILLED = 'the runner is killed (kill -9, out of memory)'
const HUNG = 'the runner hangs, or is stopped'

function guarded({ timing, timeline: { guardian }, signal, held: { name } }: LosingRun): Contingency[] {
  const hung = `${signal} at ${say(guardian.actsMs)}, KILL at ${say(guardian.killMs)}`
  return [
    {
      when: KILLED,
      happens: `The guardian ends the command: ${ended(signal, timing.graceMs)}. Then it gives ${name} back, and the next has it at once.`,
    },
    { when: HUNG, happens: `The guardian ends the command: ${hung}. Then it gives ${name} back.` },
  ]
}

function unguarded({ timeline: { expiryMs, nextAfterExpiryMs }, held: { name, somebody } }: LosingRun): Contingency[] {
  const danger = `The session expires at ${say(expiryMs)}, and from ${say(nextAfterExpiryMs)} on ${somebody} may have ${name} while the command still runs.`
  return [
    { when: KILLED, happens: `Nothing ends the command (--no-guardian). ${danger}` },
    { when: HUNG, happens: `Nothing ends the command until the runner goes on (--no-guardian). ${danger}` },
  ]
}

function sleep({ timing, timeline, signal }: LosingRun): Contingency {
  return {
    when: 'the machine sleeps, or is suspended',
    happens: `The sleep counts. After ${say(timing.ttlMs)} without a renewal: ${signal} at the wake-up, KILL at ${say(timeline.killMs)} or at once, ${LOST}.`,
  }
}
