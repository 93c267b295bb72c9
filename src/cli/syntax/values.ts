import { parseDuration } from '../../base/duration.ts'
import { Failure } from '../../base/failure.ts'
import { endingSignal } from '../../base/signal-name.ts'
import type { Parse } from './option.ts'

const YEAR_MS = 366 * 24 * 3_600_000

/** A text as it stands. */
export const text: Parse<string> = (text) => text

/** A line for the shell. */
export const shellLine: Parse<string> = (line, name) => {
  if (line.trim() !== '') return line
  throw new Failure('usage', `--${name} is empty`, { hint: 'give it a line for the shell' })
}

/** Milliseconds. */
export const duration: Parse<number> = (text, name) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is not a duration`, {
    hint: 'write it as 90s, 1.5m, 2h or 500ms; a number alone means seconds',
  })
}

/** Milliseconds, and more than none. */
export const timeLimit: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms > 0) return ms
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} leaves no time`, {
    hint: 'without a limit, leave it out',
  })
}

/** Milliseconds, from a second to a year. */
export const period: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= 1000 && ms <= YEAR_MS) return ms
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is no time from 1s to 366d`)
}

const SIZE_UNITS = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/** Bytes. */
export const size: Parse<number> = (text, name) => {
  const [, number, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  const bytes = Number(number) * SIZE_UNITS[unit.toLowerCase() as keyof typeof SIZE_UNITS]
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is not a size`, { hint: 'write it as 500k, 10M or 1G' })
}

/** A whole number within bounds. */
export function wholeNumber(least: number, most: number): Parse<number> {
  return (text, name) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new Failure('usage', `--${name} ${JSON.stringify(text)} is no number from ${least} to ${most}`)
  }
}

/** A signal by which a command can be told to end. */
export const signalName: Parse<NodeJS.Signals> = (text, name) => {
  const named = endingSignal(text)
  if (named) return named
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is no signal that ends a command`, {
    hint: 'e.g. TERM, INT, HUP, USR1 or KILL',
  })
}

export const exitCode: Parse<number> = (text, name) => {
  const code = Number(text)
  if (/^\d+$/.test(text) && code <= 255) return code
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is not an exit code`, { hint: '0 to 255' })
}
