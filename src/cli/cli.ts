import { systemClock } from '../base/clock.ts'
import { Failure } from '../base/failure.ts'
import { createLog, type Log, writeStderr } from '../base/log.ts'
import { clockSinceStart } from '../base/since-start.ts'
import { processSignals } from '../child/signals.ts'
import { commandOf } from './commands.ts'
import { EXIT_OF_FAILURE } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { type Parsed, UnknownOption } from './parse.ts'
import { runCommand } from './run-command.ts'

/** The whole program but for the exit itself. Settles with the exit code; rejects only for a bug. */
export async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  const environment = { ...process.env }
  // The command has it; Node would take it for our wish, and believe every certificate.
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  const wishes = environment.DEBUG?.split(',') ?? []
  const sinceStart = wishes.includes('timing') ? clockSinceStart() : undefined
  const openLog = (options: Parsed['options']): Log =>
    createLog({
      format: options['log-format'] === 'json' ? 'json' : 'text',
      quiet: options.quiet === true,
      debug: wishes.some((wish) => wish !== '' && wish !== 'timing'),
      sinceStart,
      write: writeStderr,
    })
  let log = openLog({})
  log.mark('Node has started')
  const signals = processSignals(environment)
  const context = (options: Parsed['options']) => {
    log = openLog(options)
    return { clock: systemClock, log, signal, random: Math.random }
  }
  const invocation: Invocation = { words, environment, signals, context }
  try {
    const load = commandOf(words[0])
    return await (load ? (await load())({ ...invocation, words: words.slice(1) }) : runCommand(invocation))
  } catch (thrown) {
    return explain(log, thrown instanceof UnknownOption ? await thrown.withNearest() : thrown)
  } finally {
    log.mark('leaving')
  }
}

function explain(log: Log, thrown: unknown): number {
  if (!(thrown instanceof Failure)) throw thrown
  log.error(thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`, { code: thrown.code })
  return EXIT_OF_FAILURE[thrown.code]
}
