import { type DropNotice, LineWriter } from './line-writer.ts'
import { printable } from './printable.ts'

/** How much a line matters. `notice` is news that `--quiet` drops; `debug` needs DEBUG. */
export type Level = 'debug' | 'notice' | 'warn' | 'error'

/** Facts beside the sentence, for `--log-format json`. */
export type Facts = Readonly<Record<string, unknown>>

/** Our own voice. It never throws and never writes to standard output, which is the child's alone. */
export interface Log {
  readonly debugging: boolean
  /** Tells, under `DEBUG=timing`, that this phase of a run ends now. */
  mark(phase: string): void
  debug(sentence: string, facts?: Facts): void
  notice(sentence: string, facts?: Facts): void
  warn(sentence: string, facts?: Facts): void
  error(sentence: string, facts?: Facts): void
}

export interface LogOptions {
  readonly format: 'text' | 'json'
  readonly quiet: boolean
  readonly debug: boolean
  /** Shows the milliseconds since the start, if phases are to be told. */
  readonly sinceStart?: (() => number) | undefined
  /** What stands before a line, for a reader that knows levels by that. */
  readonly prefix?: ((level: Level) => string) | undefined
  /** Takes one finished line, newline included, and how to say that lines are missing. */
  readonly write: (line: string, notice: DropNotice) => void
}

/** A log that writes lines the way the options ask. */
export function createLog(options: LogOptions): Log {
  const { sinceStart, prefix = () => '' } = options
  const render = (level: Level, sentence: string, facts: Facts = {}) =>
    prefix(level) + (options.format === 'json' ? jsonLine(level, sentence, facts) : textLine(level, sentence))
  const notice: DropNotice = (lines) =>
    render('warn', `${lines} of our lines are missing: nobody took them`, { missing: lines })
  const write = (level: Level, sentence: string, facts?: Facts) => options.write(render(level, sentence, facts), notice)
  const emit = (level: Level, sentence: string, facts?: Facts) => {
    if (level === 'debug' && !options.debug) return
    if (level === 'notice' && options.quiet) return
    write(level, sentence, facts)
  }
  return {
    debugging: options.debug,
    mark: sinceStart ? (phase) => write('debug', `${sinceStart().toFixed(2)} ms: ${phase}`) : () => {},
    debug: (sentence, facts) => emit('debug', sentence, facts),
    notice: (sentence, facts) => emit('notice', sentence, facts),
    warn: (sentence, facts) => emit('warn', sentence, facts),
    error: (sentence, facts) => emit('error', sentence, facts),
  }
}

function textLine(level: Level, sentence: string): string {
  const label = level === 'notice' ? '' : `${level}: `
  return `consul-locker: ${label}${printable(sentence)}\n`
}

function jsonLine(level: Level, sentence: string, facts: Facts): string {
  return `${printable(JSON.stringify({ time: new Date().toISOString(), level, message: sentence, ...facts }))}\n`
}

const stderr = new LineWriter(2)

/** Says a line on standard error. It neither blocks nor throws; see `LineWriter`. */
export function writeStderr(line: string, notice?: DropNotice): void {
  stderr.write(line, notice)
}
