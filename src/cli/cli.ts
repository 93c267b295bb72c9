import { systemClock } from '../base/clock.ts'
import { Failure, messageOf, outOfFiles, withoutFolder } from '../base/failure.ts'
import { createLog, type Log, writeStderr } from '../base/log.ts'
import { clockSinceStart } from '../base/since-start.ts'
import { noteInheritedFds } from '../child/inherited-fds.ts'
import { takeInternalCommand } from '../child/internal-command.ts'
import { processSignals } from '../child/signals.ts'
import { checkNoWordOfOurs, commandOf } from './command-table.ts'
import { plainRunCommand } from './commands/run/command.ts'
import { debugTopics } from './debug-topics.ts'
import { EXIT_OF_FAILURE } from './exit-codes.ts'
import { interruptible } from './invocation/interruptible.ts'
import type { Invocation } from './invocation/invocation.ts'
import type { OutputOptions } from './options/output-options.ts'
import { isPrinting, printed, printLines } from './output/print.ts'
import { HelpWanted } from './syntax/parse.ts'
import { UnknownOption } from './syntax/parser.ts'
import { adviceOn, unknownVariables } from './unknown-variables.ts'

/** The whole program but for the exit itself. Settles with the exit code; rejects only for a bug. */
export async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  noteInheritedFds()
  const internal = takeInternalCommand(words[0], process.env)
  const environment = { ...process.env }
  // The command has it; Node would take it for our wish, and believe every certificate.
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  const debug = debugTopics(environment.DEBUG)
  const sinceStart = debug.timing ? clockSinceStart() : undefined
  const prefix = environment.JOURNAL_STREAM
    ? (await import('../base/journal-priority.ts')).journalPrefix(environment)
    : undefined
  const openLog = (options: OutputOptions): Log =>
    createLog({
      format: options['log-format'] === 'json' ? 'json' : 'text',
      quiet: options.quiet,
      debug: debug.requests,
      sinceStart,
      prefix,
      write: writeStderr,
    })
  let log = openLog({ 'log-format': undefined, quiet: false })
  log.mark('Node has started')
  const signals = processSignals(environment)
  const unknown = internal === undefined ? unknownVariables(environment) : []
  const advice = unknown.length > 0 ? await adviceOn(unknown) : []
  const context = (options: OutputOptions) => {
    log = openLog(options)
    for (const sentence of advice.splice(0)) log.warn(sentence)
    return { clock: systemClock, log, signal, random: Math.random }
  }
  const invocation: Invocation = { words, environment, signals, context }
  const perform = async () => {
    const load = commandOf(words[0], internal)
    return load
      ? (await load())({ ...invocation, words: words.slice(1) })
      : plainRunCommand(invocation, checkNoWordOfOurs)
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
  return printLines((await import('./syntax/help.ts')).helpLines(thrown))
}

function explain(log: Log, thrown: unknown): number {
  const failure = thrown instanceof Failure ? thrown : (outOfFiles(messageOf(thrown), thrown) ?? withoutFolder(thrown))
  if (!failure) throw thrown
  const { message, hint, code } = failure
  log.error(hint === undefined ? message : `${message} (${hint})`, { code })
  return EXIT_OF_FAILURE[code]
}
