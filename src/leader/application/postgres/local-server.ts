import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { lastLine } from '../../../base/printable.ts'
import { homeFolder } from '../../../host/home-folder.ts'
import { signal } from '../own-process.ts'
import { type ControlData, parseControlData } from './control-data.ts'
import { DataDirectory } from './data-directory.ts'
import { type Ask, type PostgresTarget, withPostgres } from './postgres-client.ts'
import type { PostgresOptions } from './postgres-options.ts'
import { type Groups, PostgresPrograms } from './postgres-programs.ts'
import { Postmaster } from './postmaster.ts'

const START_SECONDS = 15
const LAUNCH_MS = 1000
const LOOK_MS = 20
const CONTROL_DATA_MS = 2000
const LOG_BYTES = 8192
const MESSAGE_LENGTH = 150

const RECOVERING = /^postgres:.*\bstartup (?:recovering|waiting for) [0-9A-F]{8}([0-9A-F]{16})/
const RECEIVER = /^postgres:.*\bwalreceiver\b/

/** The PostgreSQL of this machine. It is started as a standby, and never otherwise. */
export class LocalServer {
  readonly options: PostgresOptions
  readonly data: DataDirectory
  readonly postmaster: Postmaster
  readonly programs: PostgresPrograms
  /** Where its passwords are, if they can be anywhere. */
  readonly passfile: string | undefined

  constructor(options: PostgresOptions, environment: NodeJS.ProcessEnv) {
    this.options = options
    this.data = new DataDirectory(options.data)
    this.postmaster = new Postmaster(options.data)
    this.programs = new PostgresPrograms(options, this.data, environment)
    this.passfile = options.passfile ?? environment.PGPASSFILE ?? passfileAtHome(environment)
  }

  get isRunning(): boolean {
    return this.postmaster.running !== undefined
  }

  /** Its `postgresql.conf`, when that isn't in the data directory. */
  get configFile(): string | undefined {
    const { data, config } = this.options
    const debian = data.replace(/^\/var\/lib\//, '/etc/')
    const found = config ?? join(debian === data ? '/dev/null' : debian, 'postgresql.conf')
    return existsSync(found) && !existsSync(join(data, 'postgresql.conf')) ? found : config
  }

  /** Asks it. Rejects when it doesn't run, or doesn't answer. */
  ask<T>(ctx: Context, work: (ask: Ask) => Promise<T>, answerMs?: number): Promise<T> {
    return withPostgres(ctx, this.#target(), work, answerMs)
  }

  /** Starts it as a standby unless it runs, and settles when it serves. Rejects with why it doesn't. */
  async start(ctx: Context, groups: Groups): Promise<void> {
    if (this.isRunning) return
    const read = logSince(this.#log)
    try {
      await this.#launch(ctx, groups, '--wait', `--timeout=${START_SECONDS}`)
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (this.isRunning) throw new Error('PostgreSQL is starting up')
      const why = read()
      if (why === '') throw thrown
      throw new Error(`PostgreSQL doesn't start: ${why}`)
    }
  }

  /** Starts it as a standby unless it runs; whether it comes up remains to be seen. */
  async launch(ctx: Context, groups: Groups): Promise<void> {
    if (this.isRunning) return
    await this.#launch(ctx, groups, '--no-wait')
    const beganAt = ctx.clock.now()
    // Until it is known for ours: who looked before would start it once more.
    while (!this.isRunning && ctx.clock.since(beganAt) < LAUNCH_MS) await sleep(ctx, LOOK_MS)
  }

  /** Changes settings as `ALTER SYSTEM` does, whether it runs and serves or not. */
  set(settings: Readonly<Record<string, string>>): void {
    if (!this.data.set(settings)) return
    const running = this.postmaster.running
    if (running) signal(running.process, 'SIGHUP')
  }

  /**
   * The segment of the log that a server which doesn't serve yet has come to, when there is no further one, and nobody
   * sends any: then it waits for that, without end if nobody has it.
   */
  get lastSegment(): string | undefined {
    const titles = this.postmaster.processes.map(({ title }) => title)
    const [, segment] = titles.map((title) => RECOVERING.exec(title)).find(Boolean) ?? []
    if (segment === undefined || titles.some((title) => RECEIVER.test(title))) return undefined
    const { lastSegment = segment } = this.data
    return lastSegment > segment ? undefined : segment
  }

  /** What its control file says; `undefined` when that can't be read. */
  async controlData(ctx: Context, groups: Groups): Promise<ControlData | undefined> {
    const words = await this.programs.run(ctx, groups, ['pg_controldata', this.options.data], CONTROL_DATA_MS)
    return parseControlData(words)
  }

  async #launch(ctx: Context, groups: Groups, ...waiting: string[]): Promise<void> {
    const { data } = this.options
    this.postmaster.removeStaleFile()
    this.data.startsAsStandby = true
    const { configFile } = this
    // pg_ctl gives these words to a shell.
    const settings = configFile === undefined ? [] : [`--options=-c config_file=${shellQuoted(configFile)}`]
    await this.programs.run(ctx, groups, [
      'pg_ctl',
      'start',
      ...waiting,
      '--silent',
      `--pgdata=${data}`,
      `--log=${this.#log}`,
      ...settings,
    ])
  }

  get #log(): string {
    return this.options.log ?? `${this.options.data}.log`
  }

  #target(): PostgresTarget {
    const running = this.postmaster.running
    if (!running) throw new Error('PostgreSQL is not running')
    const { port, host } = running
    if (port === 0) throw new Error('PostgreSQL is starting up')
    return { host, port, user: this.options.user, passfile: this.passfile }
  }
}

function passfileAtHome(environment: NodeJS.ProcessEnv): string | undefined {
  const home = homeFolder(environment)
  return home === undefined ? undefined : join(home, '.pgpass')
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** Remembers how long a log is; the function then says what was the last complaint since. */
function logSince(file: string): () => string {
  const before = sizeOf(file)
  return () => {
    const from = Math.max(before, sizeOf(file) - LOG_BYTES)
    const chunk = Buffer.alloc(LOG_BYTES)
    try {
      const log = openSync(file, 'r')
      const text = chunk.toString('utf8', 0, readSync(log, chunk, 0, LOG_BYTES, from))
      closeSync(log)
      const complaints = text.split('\n').filter((line) => /\b(FATAL|PANIC):/.test(line))
      return lastLine(complaints.at(-1)?.replace(/^.*\b(?:FATAL|PANIC): */, '') ?? text, MESSAGE_LENGTH)
    } catch {
      return ''
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
