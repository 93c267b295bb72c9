import { Failure } from '../base/failure.ts'
import { type Direction, FLAG_VALUES, type FlagValue, isFlagValue } from '../switchover/flags.ts'
import { flagSyntax } from './flag-syntax.ts'
import type { Invocation } from './invocation.ts'
import { type Given, type Parsed, parseAnywhere } from './parse.ts'

const MODES = ['get', 'set', 'wait', 'watch', 'print-watch'] as const

/** What is asked of a flag. */
export type Mode = (typeof MODES)[number] | 'show'

/** Sorts the words of a flag's command. Throws a `usage` failure. */
export function flagWords({ words, environment }: Invocation, direction: Direction) {
  const parsed = parseAnywhere(flagSyntax(direction), words, environment)
  const { command } = parsed
  const [service = '', extra] = parsed.words
  const hint = `consul-locker ${direction} [options] <service>`
  if (service === '') throw new Failure('usage', 'no service was named', { hint })
  if (extra !== undefined) throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
  return { parsed, service, command }
}

/** Throws a `usage` failure when two things are asked for at once. */
export function modeOf({ options }: Parsed): Mode {
  const [mode = 'show', other] = MODES.filter((mode) => options[mode] !== undefined && options[mode] !== false)
  if (other) throw new Failure('usage', `--${mode} and --${other} are two commands`, { hint: 'give one of them' })
  return mode
}

/** Throws a `usage` failure for a command that is missing, or that nobody would run. */
export function checkStrayCommand(mode: Mode, command: readonly string[]): void {
  if (mode === 'watch' && command.length === 0) {
    throw new Failure('usage', 'no command was given to run when the flag changes', { hint: '--watch -- command…' })
  }
  if (mode !== 'watch' && mode !== 'print-watch' && command.length > 0) {
    throw new Failure('usage', 'a command is of use only to --watch and --print-watch', { hint: 'leave it out' })
  }
}

/** The value to set or to wait for. Throws a `usage` failure. */
export function flagValueOf(mode: Mode, given: Given): FlagValue {
  if (mode !== 'set' && mode !== 'wait') return 'NULL'
  const text = given(mode) ?? ''
  if (isFlagValue(text)) return text
  throw new Failure('usage', `--${mode} ${JSON.stringify(text)} is no value of a flag`, {
    hint: FLAG_VALUES.join(', '),
  })
}
