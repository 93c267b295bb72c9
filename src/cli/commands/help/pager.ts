import { spawn } from 'node:child_process'
import { isatty } from 'node:tty'
import { exitStatusOf, spawned } from '../../../child/child-process.ts'
import { findExecutable } from '../../../child/executable.ts'
import { type SignalSource, stopSelf } from '../../../child/signals.ts'
import { EXIT } from '../../exit-codes.ts'
import { printText } from '../../output/print.ts'

/** What /bin/sh ends with for a command that it can't start. */
const NOT_STARTED = [126, 127]
/** Ends at once with a text that fits the screen, shows colours, and leaves the text there: as git has it. */
const LESS = 'FRX'
/** Has it show our text as it would stand on the terminal without it; with no locale it shows bytes in hexadecimal. */
const LESSCHARSET = 'utf-8'

/**
 * Shows a text page by page on a terminal where there is a pager, and prints it elsewhere. Settles with the exit code.
 */
export async function paged(text: string, environment: NodeJS.ProcessEnv, signals: SignalSource): Promise<number> {
  const pager = isatty(1) ? pagerOf(environment) : undefined
  if (pager === undefined) return printText(text)
  const env = { LESS, LESSCHARSET, ...environment }
  const child = await spawned(
    () => spawn('/bin/sh', ['-c', pager], { stdio: ['pipe', 'inherit', 'inherit'], env }),
    pager,
  )
  // Whoever reads decides when it is over: Ctrl-C is the pager's, and a hang-up or TERM ends it, and so us.
  using _listening = signals.listen((signal) => {
    if (signal === 'SIGTSTP') stopSelf()
    else if (signal === 'SIGTERM' || signal === 'SIGHUP') child.kill(signal)
  })
  child.stdin.on('error', () => {})
  child.stdin.end(text)
  const status = await exitStatusOf(child)
  return 'code' in status && NOT_STARTED.includes(status.code) ? printText(text) : EXIT.done
}

/** A line for the shell; `undefined` when nothing is there that pages. */
function pagerOf({ PAGER, PATH }: NodeJS.ProcessEnv): string | undefined {
  if (PAGER !== undefined) return PAGER.trim() === '' || PAGER.trim() === 'cat' ? undefined : PAGER
  try {
    findExecutable(['less'], PATH)
    return 'less'
  } catch {
    return undefined
  }
}
