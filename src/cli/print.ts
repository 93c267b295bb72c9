import { writeSync } from 'node:fs'
import { printable } from '../base/excerpt.ts'

/** Writes one line that a user asked for to standard output, printable. Settles with the exit code of success. */
export function print(line: string): number {
  return printLines([line])
}

/** The same, a line for each; of none nothing is written. */
export function printLines(lines: readonly string[]): number {
  return lines.length === 0 ? 0 : printText(`${lines.map(printable).join('\n')}\n`)
}

/** Writes text of our own, with line breaks and colours in it. What others wrote must be printable by now. */
export function printText(text: string): number {
  writeSync(1, text)
  return 0
}
