import { systemClock } from '../base/clock.ts'
import { Failure, messageOf, outOfFiles } from '../base/failure.ts'
import { createLog, type Log, writeStderr } from '../base/log.ts'
import { clockSinceStart } from '../base/since-start.ts'
import { noteInherited } from '../child/inherited-fds.ts'
import { processSignals } from '../child/signals.ts'
import { commandOf } from './commands.ts'
import { debugWishes } from './debug-wishes.ts'
import { takeErrand } from './errands.ts'
import { EXIT_OF_FAILURE } from './exit-codes.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { HelpWanted, type Parsed, UnknownOption } from './parse.ts'
import { isPrinting, printed, printLines } from './print.ts'
import { runCommand } from './run-command.ts'
import { adviceOn, strangeVariables } from './strange-variables.ts'

/** The whole program but for the exit itself. Settles with the exit code; rejects only for a bug. */
export async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  noteInherited()
  const errand = takeErrand(words[0], process.env)
  const environment = { ...process.env }
  // The command has it; Node would take it for our wish, and believe every certificate.
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  const wishes = debugWishes(environment.DEBUG)
  const sinceStart = wishes.timing ? clockSinceStart() : undefined
  const openLog = (options: Parsed['options']): Log =>
    createLog({
      format: options['log-format'] === 'json' ? 'json' : 'text',
      quiet: options.quiet === true,
      debug: wishes.requests,
      sinceStart,
      write: writeStderr,
    })
  let log = openLog({})
  log.mark('Node has started')
  const signals = processSignals(environment)
  const strange = errand === undefined ? strangeVariables(environment) : []
  const advice = strange.length > 0 ? await adviceOn(strange) : []
  const context = (options: Parsed['options']) => {
    log = openLog(options)
    for (const sentence of advice.splice(0)) log.warn(sentence)
    return { clock: systemClock, log, signal, random: Math.random }
  }
  const invocation: Invocation = { words, environment, signals, context }
  const perform = async () => {
    const load = commandOf(words[0], errand)
    return load ? (await load())({ ...invocation, words: words.slice(1) }) : runCommand(invocation)
  }
  try {
    const code = await perform().catch(helpFor)
    if (!isPrinting()) return code
    return await interruptible({ clock: systemClock, log, signal, random: Math.random }, signals, (ctx) =>
      printed(ctx, code),
    )
  } catch (thrown) {
    return explain(log, thrown instanceof UnknownOption ? await thrown.withNearest() : thrown)
  } finally {
    log.mark('leaving')
  }
}

async function helpFor(thrown: unknown): Promise<number> {
  if (!(thrown instanceof HelpWanted)) throw thrown
  return printLines((await import('./help.ts')).helpLines(thrown))
}

function explain(log: Log, thrown: unknown): number {
  const failure = thrown instanceof Failure ? thrown : outOfFiles(messageOf(thrown), thrown)
  if (!failure) throw thrown
  const { message, hint, code } = failure
  log.error(hint === undefined ? message : `${message} (${hint})`, { code })
  return EXIT_OF_FAILURE[code]
}
