import { fstatSync } from 'node:fs'
import type { Level } from './log.ts'

const STDERR = 2

/** As syslog counts them; https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html */
const PRIORITIES: Readonly<Record<Level, string>> = { error: '<3>', warn: '<4>', notice: '<5>', debug: '<7>' }

/**
 * What stands before our lines when systemd's journal reads standard error: it makes a line's priority of that, and
 * shows the rest. `undefined` when something else reads it; the variable is inherited by all that a service starts.
 */
export function journalPrefix({ JOURNAL_STREAM = '' }: NodeJS.ProcessEnv): ((level: Level) => string) | undefined {
  try {
    const { dev, ino } = fstatSync(STDERR, { bigint: true })
    return JOURNAL_STREAM === `${dev}:${ino}` ? (level) => PRIORITIES[level] : undefined
  } catch {
    return undefined
  }
}
