import { Failure } from '../../../base/failure.ts'
import type { Direction } from '../../../switchover/flags.ts'
import type { FlagCommandOptions } from './syntax.ts'

const MODES = ['get', 'set', 'wait', 'watch', 'print-watch'] as const

/** What is asked of a flag. */
export type FlagMode = (typeof MODES)[number] | 'show'

/** The service. Throws a `usage` failure for other words than one. */
export function serviceOf([service = '', extra]: readonly string[], direction: Direction): string {
  const hint = `consul-locker ${direction} [options] <service>`
  if (service === '') throw new Failure('usage', 'no service was named', { hint })
  if (extra !== undefined) throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
  return service
}

/** Throws a `usage` failure when two things are asked for at once. */
export function modeOf(options: FlagCommandOptions): FlagMode {
  const [mode = 'show', other] = MODES.filter((mode) => options[mode] !== undefined && options[mode] !== false)
  if (other) throw new Failure('usage', `--${mode} and --${other} are two commands`, { hint: 'give one of them' })
  return mode
}

/** Throws a `usage` failure for a command that is missing, or that nobody would run. */
export function checkStrayCommand(mode: FlagMode, command: readonly string[]): void {
  if (mode === 'watch' && command.length === 0) {
    throw new Failure('usage', 'no command was given to run when the flag changes', { hint: '--watch -- command…' })
  }
  if (mode !== 'watch' && mode !== 'print-watch' && command.length > 0) {
    throw new Failure('usage', 'a command is of use only to --watch and --print-watch', { hint: 'leave it out' })
  }
}
