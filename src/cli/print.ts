import { writeSync } from 'node:fs'

/** Writes what a user asked for to standard output. Settles with the exit code of success. */
export function print(text: string): number {
  writeSync(1, `${text}\n`)
  return 0
}

/** The same, a line for each; of none nothing is written. */
export function printLines(lines: readonly string[]): number {
  return lines.length === 0 ? 0 : print(lines.join('\n'))
}
