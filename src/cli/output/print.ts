import { unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure, reasonOf } from '../../base/failure.ts'
import { NonBlockingOutput } from '../../base/nonblocking-output.ts'
import { printable } from '../../base/printable.ts'
import { shellStatus } from '../../child/exit-status.ts'
import { EXIT } from '../exit-codes.ts'

const stdout = new NonBlockingOutput(1)

let printing: Promise<void> | undefined

/** Prints one line that a user asked for on standard output, printable. Returns the exit code of success. */
export function print(line: string): number {
  return printLines([line])
}

/** The same, a line for each; of none nothing is written. */
export function printLines(lines: readonly string[]): number {
  return lines.length === 0 ? EXIT.done : printText(`${lines.map(printable).join('\n')}\n`)
}

/**
 * Prints text of our own, with line breaks and colours in it. What others wrote must be printable by now. All is
 * printed in order, and neither blocks nor fails here: see `printed`.
 */
export function printText(text: string): number {
  const before = printing ?? Promise.resolve()
  printing = before.then(() => stdout.write(Buffer.from(text)))
  printing.catch(() => {}) // Whoever waits for it hears of it.
  return EXIT.done
}

/** Whether anything was printed that `printed` has not told of yet. */
export function isPrinting(): boolean {
  return printing !== undefined
}

/**
 * Settles with the exit code, `code`, once all is written; with that of a SIGPIPE when the reader has seen enough.
 * Rejects with an `unwritable` failure, or with the signal's reason.
 */
export async function printed({ signal }: Pick<Context, 'signal'>, code: number): Promise<number> {
  try {
    await unlessAborted(signal, printing ?? Promise.resolve())
    return code
  } catch (thrown) {
    signal.throwIfAborted()
    if ((thrown as NodeJS.ErrnoException).code === 'EPIPE') return shellStatus({ signal: 'SIGPIPE' })
    throw new Failure('unwritable', `the standard output can't be written: ${reasonOf(thrown)}`, {
      hint: 'is the disk full?',
      cause: thrown,
    })
  } finally {
    printing = undefined
  }
}
