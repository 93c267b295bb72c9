import { writeSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { createLog, type Log, type LogOptions, writeStderr } from '../base/log.ts'
import { processSignals } from '../child/signals.ts'
import { EXIT_OF_FAILURE } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { type Parsed, parseRun, runHelp, UnknownOption } from './parse.ts'
import { runCommand } from './run-command.ts'
import { versionLine } from './version.ts'

/** The whole program but for the exit itself. Settles with the exit code; rejects only for a bug. */
export async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  const environment = process.env
  let log = createLog(logOptions(environment, {}))
  try {
    const invocation: Invocation = { words, environment, signals: processSignals(environment) }
    const parsed = parseRun(words[0] === 'run' ? words.slice(1) : words, environment)
    if (parsed.options.help) return print(await runHelp())
    if (parsed.options.version) return print(versionLine())
    log = createLog(logOptions(environment, parsed.options))
    const ctx: Context = { clock: systemClock, log, signal, random: Math.random }
    return await runCommand(ctx, invocation, parsed)
  } catch (thrown) {
    return explain(log, thrown instanceof UnknownOption ? await thrown.withNearest() : thrown)
  }
}

function logOptions(environment: NodeJS.ProcessEnv, options: Parsed['options']): LogOptions {
  return {
    format: options['log-format'] === 'json' ? 'json' : 'text',
    quiet: options.quiet === true,
    debug: Boolean(environment.DEBUG),
    write: writeStderr,
  }
}

function explain(log: Log, thrown: unknown): number {
  if (!(thrown instanceof Failure)) throw thrown
  log.error(thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`, { code: thrown.code })
  return EXIT_OF_FAILURE[thrown.code]
}

function print(text: string): number {
  writeSync(1, `${text}\n`)
  return 0
}
