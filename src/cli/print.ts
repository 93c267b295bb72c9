import { writeSync } from 'node:fs'

/** Writes what a user asked for to standard output. Settles with the exit code of success. */
export function print(text: string): number {
  writeSync(1, `${text}\n`)
  return 0
}
