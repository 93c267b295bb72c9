import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { planTiming, type Timing } from '../lock/deadline.ts'
import { checkKey, keyOfName } from '../lock/keys.ts'
import { recordedCommand } from '../lock/record.ts'
import type { Job } from '../run/job.ts'
import { duration } from './duration.ts'
import { type Given, givenIn, type Parsed } from './parse.ts'

/** The job that options and words describe. Throws a `usage` failure. */
export function jobOf(parsed: Parsed, environment: NodeJS.ProcessEnv): Job {
  const given = givenIn(parsed)
  const [name, ...rest] = parsed.words
  const command = commandIn(rest)
  const usage = 'consul-locker [options] <name> <command> [args…]; see consul-locker --help'
  if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: usage })
  const key = keyOfName(name)
  const [first, ...args] = command
  if (first === undefined) throw new Failure('usage', `no command was given to run under ${name}`, { hint: usage })
  const ownKey = given('key')
  return {
    name,
    key: ownKey === undefined ? key : checkKey('--key', ownKey),
    command: [first, ...args],
    recorded: recordedCommand([first, ...args], parsed.options['record-command'] === true),
    timing: timingOf(given),
    waitMs: parsed.options['no-wait'] ? 0 : (duration('wait', given) ?? Number.POSITIVE_INFINITY),
    waitGroup: parsed.options['wait-group'] === true,
    environment,
    runId: randomId(),
    mark: randomId(),
  }
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

function timingOf(given: Given): Timing {
  const wanted: Partial<Record<keyof Timing, number>> = {}
  const take = (field: keyof Timing, option: string) => {
    const ms = duration(option, given)
    if (ms !== undefined) wanted[field] = ms
  }
  take('ttlMs', 'ttl')
  take('renewMs', 'renew')
  take('lockDelayMs', 'lock-delay')
  take('graceMs', 'kill-after')
  return planTiming(wanted)
}

/** The exit code that an option asks for. Throws a `usage` failure. */
export function exitCodeOf(option: string, given: Given): number | undefined {
  const text = given(option)
  if (text === undefined) return undefined
  const code = Number(text)
  if (!/^\d+$/.test(text) || code > 255) {
    throw new Failure('usage', `--${option} ${JSON.stringify(text)} is not an exit code`, { hint: '0 to 255' })
  }
  return code
}
