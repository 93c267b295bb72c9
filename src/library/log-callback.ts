import type { Facts, Level, Log } from '../base/log.ts'
import { inOurWords } from './own-words.ts'

/** How much a line matters: `notice` is news, `debug` is for finding a fault. */
export type LogLevel = 'debug' | 'notice' | 'warn' | 'error'

/** Hears what happens, a sentence each time, with facts beside it if there are some. What it throws is dropped. */
export type LogCallback = (level: LogLevel, sentence: string, facts: Readonly<Record<string, unknown>>) => void

/**
 * A log that calls back, and prints nothing.
 * @internal
 */
export function logOf(callback: LogCallback | undefined): Log {
  const at =
    (level: Level) =>
    (sentence: string, facts: Facts = {}) => {
      try {
        callback?.(level, inOurWords(sentence), facts)
      } catch {
        // A lock must not be lost because a line of a log was.
      }
    }
  return { debugging: false, mark() {}, debug: at('debug'), notice: at('notice'), warn: at('warn'), error: at('error') }
}
