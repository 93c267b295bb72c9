import { Failure } from '../../../base/failure.ts'
import { endingSignal } from '../../../base/signal-name.ts'
import { shellLine } from '../../syntax/values.ts'
import type { RunCommandOptions } from './syntax.ts'

/** What is to happen when the lock is lost, but for KILL at the end, which always comes. */
export interface OnLost {
  readonly signal: NodeJS.Signals
  readonly hooks: readonly string[]
}

/** A word that is meant to be a signal's name, whether there is one or not. */
const LIKE_A_SIGNAL = /^(?:SIG)?[A-Z0-9]+$/

/**
 * Reads `--on-lost`: a signal's name is that signal, everything else a line for the shell. Throws a `usage` failure.
 */
export function onLost({ 'on-lost': given }: Pick<RunCommandOptions, 'on-lost'>): OnLost {
  const signals = given.flatMap((word) => endingSignal(word) ?? [])
  const hooks = given.filter((word) => endingSignal(word) === undefined)
  const misspelt = hooks.find((line) => LIKE_A_SIGNAL.test(line))
  if (misspelt !== undefined) {
    throw new Failure('usage', `--on-lost ${misspelt} is no signal that ends a command`, {
      hint: 'e.g. TERM, INT, HUP, USR1 or KILL; a program of that name: ./NAME',
    })
  }
  if (new Set(signals).size > 1) {
    throw new Failure('usage', `--on-lost ${signals.join(' and ')} are two wishes`, { hint: 'give one signal' })
  }
  return { signal: signals[0] ?? 'SIGTERM', hooks: hooks.map((line) => shellLine(line, 'on-lost')) }
}
