import { formatDuration as say } from '../../../../base/duration.ts'
import { quoted } from '../../../../base/printable.ts'
import { shellStatus } from '../../../../child/exit-status.ts'
import type { Period } from '../../../../run/history/period.ts'
import { HOOK_MS } from '../../../../run/hook.ts'
import type { RunSpec } from '../../../../run/run-spec.ts'
import { EXIT } from '../../../exit-codes.ts'
import { releaseTimeoutMsOf } from '../run-gates.ts'
import { chosenCodes, type RunCommandOptions } from '../syntax.ts'
import type { Contingency } from './contingency.ts'

/** A run, as far as its course goes. */
export interface RunToExplain {
  readonly spec: Pick<RunSpec, 'lock' | 'waitMs' | 'waitGroup' | 'timeLimit' | 'holdAtLeastMs'>
  readonly options: RunCommandOptions
  readonly period: Period | undefined
}

/** How a run goes from its start to its end when nothing is lost. */
export function courseOf(run: RunToExplain): Contingency[] {
  const phases = [several, waiting, notDue, gated, sick, preparing, stopping, limited, ending]
  return phases.flatMap((phase) => phase(run) ?? [])
}

function several({ options: { slots, shared, also } }: RunToExplain): Contingency | undefined {
  if (slots !== undefined) return { when: 'others run, too', happens: `${slots} at a time, and never more (--slots).` }
  if (shared) {
    return {
      when: 'others run, too',
      happens: 'As many as have --shared; none without it, which wants the lock alone.',
    }
  }
  if (also.length === 0) return undefined
  return {
    when: 'one of the locks is lost',
    happens: `They are taken in one step, all ${also.length + 1} or none (--also), and lost as one.`,
  }
}

function waiting({ spec: { waitMs }, options }: RunToExplain): Contingency {
  const { busy } = chosenCodes(options)
  const when = options.slots === undefined ? "the lock isn't free" : 'no slot is free'
  if (waitMs === 0) return { when, happens: `The run gives up at once, with exit code ${busy} (--no-wait).` }
  const line = 'It waits in line: first come, first served'
  if (!Number.isFinite(waitMs)) return { when, happens: `${line}, for as long as it takes.` }
  return { when, happens: `${line}. After ${say(waitMs)} it gives up, with exit code ${busy} (--wait).` }
}

function notDue({ options, period }: RunToExplain): Contingency | undefined {
  if (!period) return undefined
  const { oncePerMs, slot, intervalMs, onSuccess } = period
  const earlier = onSuccess ? 'a run that succeeded' : 'an earlier run'
  const rules = [
    ...(oncePerMs === undefined ? [] : [`started less than ${say(oncePerMs)} ago (--once-per)`]),
    ...(slot === undefined ? [] : [`started in the same slot ${quoted(slot.format)}, ${slot.zone} (--slot)`]),
    ...(intervalMs === undefined ? [] : [`ended less than ${say(intervalMs)} ago (--min-interval)`]),
  ]
  const { skipped } = chosenCodes(options)
  return {
    when: `${earlier} ${rules.join(', or ')}`,
    happens: `The command is skipped, with exit code ${skipped}. All machines agree on it.`,
  }
}

function gated({ options }: RunToExplain): Contingency | undefined {
  const { gate } = options
  if (gate.length === 0) return undefined
  const { busy } = chosenCodes(options)
  return {
    when: `${gate.length === 1 ? 'the gate is' : `one of ${gate.length} gates is`} shut`,
    happens: `The run doesn't contend for the lock until it is open. The time to wait is one for both; exit code ${busy} when it is over.`,
  }
}

function sick({ options: { 'require-healthy': service } }: RunToExplain): Contingency | undefined {
  if (service === undefined) return undefined
  const of = service === '' ? 'this node' : `this node, or its ${service},`
  return { when: `${of} is critical`, happens: 'The run leaves the line, and comes back when it is well.' }
}

function preparing({ options: { 'on-acquire': line } }: RunToExplain): Contingency | undefined {
  if (line === undefined) return undefined
  return {
    when: `--on-acquire fails, or takes longer than ${say(HOOK_MS)}`,
    happens: `The command isn't started, and the lock goes back. Exit code ${EXIT.unprepared}.`,
  }
}

function stopping(): Contingency {
  const [int, term] = [shellStatus({ signal: 'SIGINT' }), shellStatus({ signal: 'SIGTERM' })]
  return {
    when: 'the runner gets INT or TERM',
    happens: `While it waits it ends at once, with ${int} or ${term}. While the command runs the signal is passed on, without a limit of time; a second one is KILL. The lock goes back when the command is dead.`,
  }
}

function limited({ spec: { timeLimit, lock } }: RunToExplain): Contingency | undefined {
  if (!timeLimit) return undefined
  const signal = timeLimit.signal.replace('SIG', '')
  const { graceMs } = lock.timing
  return {
    when: `the command runs for ${say(timeLimit.ms)}`,
    happens: `${signal}, KILL ${say(graceMs)} later, exit code ${EXIT.timedOut} (--max-runtime). The lock stays ours until it is dead.`,
  }
}

function ending({ spec: { waitGroup, holdAtLeastMs }, options }: RunToExplain): Contingency {
  const sentences = [
    ...(waitGroup ? ['It has ended when its whole process group has (--wait-group).'] : []),
    ...settling(options),
    ...(holdAtLeastMs === undefined ? [] : [`The lock is kept for ${say(holdAtLeastMs)} in all (--hold-at-least).`]),
    "The lock goes back, and the next in line has it at once: no lock-delay. The exit code is the command's.",
  ]
  return { when: 'the command ends', happens: sentences.join(' ') }
}

function settling(options: RunCommandOptions): string[] {
  const { 'release-when': releaseWhen, settle } = options
  if (releaseWhen.length === 0) {
    return settle === undefined ? [] : [`After a success the lock is kept for ${say(settle)} more (--settle).`]
  }
  const holds = settle === undefined ? 'holds' : `has held for ${say(settle)}`
  const timeout = say(releaseTimeoutMsOf(options))
  return [
    `After a success the lock is kept until --release-when ${holds}; after ${timeout} in vain it goes back, with exit code ${EXIT.unsettled}.`,
  ]
}
