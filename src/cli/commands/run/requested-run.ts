import { Failure } from '../../../base/failure.ts'
import { randomId } from '../../../base/random-id.ts'
import { type Holder, recordedCommand } from '../../../lock/holder-record.ts'
import { keyOfName } from '../../../lock/lock-keys.ts'
import type { RunSpec } from '../../../run/run-spec.ts'
import { requestedLock, waitMsOf } from '../../options/lock-options.ts'
import type { Parsed } from '../../syntax/parse.ts'
import { onLost } from './on-lost.ts'
import type { RUN_SYNTAX, RunCommandOptions } from './syntax.ts'

/** The run that options and words ask for; `self` is asked when the lock is. Throws a `usage` failure. */
export function requestedRun(
  { options, words }: Pick<Parsed<typeof RUN_SYNTAX.options>, 'options' | 'words'>,
  environment: NodeJS.ProcessEnv,
  self: () => Pick<Holder, 'host' | 'pid' | 'user'>,
): RunSpec {
  const [name, ...rest] = words
  const command = commandIn(rest)
  const usage = 'consul-locker [options] <name> <command> [args…]; see consul-locker --help'
  if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: usage })
  keyOfName(name) // A bad name is told of first.
  const [first, ...args] = command
  if (first === undefined) throw new Failure('usage', `no command was given to run under ${name}`, { hint: usage })
  const recorded = recordedCommand([first, ...args], options['record-command'])
  const runId = randomId()
  const grace = { graceMs: options['kill-after'] }
  const holder = () => ({ ...self(), command: recorded })
  const lock = requestedLock(name, options, grace, { runId, environment, holder })
  return {
    lock,
    history: lock.history,
    command: [first, ...args],
    recorded,
    waitMs: waitMsOf(options),
    waitGroup: options['wait-group'],
    holdAtLeastMs: options['hold-at-least'],
    ...timeLimitOf(options),
    lossSignal: onLost(options).signal,
    environment,
    runId,
    mark: randomId(),
  }
}

function timeLimitOf({ 'max-runtime': ms, 'timeout-signal': signal }: RunCommandOptions): Pick<RunSpec, 'timeLimit'> {
  if (ms !== undefined) return { timeLimit: { ms, signal: signal ?? 'SIGTERM' } }
  if (signal === undefined) return {}
  throw new Failure('usage', '--timeout-signal ends what --max-runtime limits, and there is no limit', {
    hint: 'leave it out, or say how long the command may run',
  })
}

/** As flock has it, `-c` behind the name stands before one line for the shell. */
function commandIn(words: readonly string[]): readonly string[] {
  const [first = '', line, ...more] = words
  if (first === '--') return words.slice(1)
  if (first !== '-c' && first !== '--command') return words
  if (line !== undefined && more.length === 0) return ['/bin/sh', '-c', line]
  throw new Failure('usage', `${first} takes one line for the shell`, {
    hint: `put it into quotes: ${first} 'date; echo hi'`,
  })
}
