import { isatty } from 'node:tty'
import { unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { writeStderr } from '../../base/log.ts'
import { printable } from '../../base/printable.ts'

/**
 * Asks a person on the terminal. Settles with whether the answer is yes; the end of the input is none. Rejects with
 * `unasked` when nobody is there to be asked, and with the signal's reason.
 */
export async function confirmed(ctx: Context, question: string, unasked: Failure): Promise<boolean> {
  if (!isatty(0) || !isatty(2)) throw unasked
  const { createInterface } = await import('node:readline')
  // Not as a terminal: the keys that send signals go on doing so.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  const { promise, resolve } = Promise.withResolvers<string>()
  let isAnswered = false
  lines.once('close', () => {
    if (!isAnswered) writeStderr('\n')
    resolve('')
  })
  try {
    lines.question(`${printable(question)} [y/N] `, (answer) => {
      isAnswered = true
      resolve(answer)
    })
    return /^y(es)?$/i.test((await unlessAborted(ctx.signal, promise)).trim())
  } finally {
    lines.close()
  }
}

/** Warns a person on the terminal, and settles and rejects as `confirmed` does. */
export function goesOn(ctx: Context, warning: string): Promise<boolean> {
  const unasked = new Failure('usage', printable(warning), { hint: 'give --yes if you mean that' })
  return confirmed(ctx, `${warning}. Go on?`, unasked)
}
