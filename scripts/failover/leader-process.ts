import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { startWatchdog } from '../watchdog.ts'

const TERM_LIMIT_MS = 15_000

/** How to start a leader agent. */
export interface LeaderOptions {
  readonly locker: string
  readonly file: string
  readonly log: string
  readonly env: NodeJS.ProcessEnv
  /** Words in front of the executable's own. */
  readonly through?: readonly string[]
}

/** `consul-locker leader` on one node. It dies with this process. */
export class LeaderProcess {
  readonly #options: LeaderOptions
  readonly #watchdog = startWatchdog()
  #child: ChildProcess | undefined

  constructor(options: LeaderOptions) {
    this.#options = options
  }

  get runs(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null
  }

  /** All that it has logged. */
  get log(): string {
    return readFileSync(this.#options.log, 'utf8')
  }

  /** Starts it if it doesn't run. */
  start(): void {
    if (this.runs) return
    const { locker, file, log, env, through = [] } = this.#options
    const [program = locker, ...words] = [...through, locker, 'leader', '-f', file]
    const fd = openSync(log, 'a')
    const child = spawn(program, words, { env, detached: true, stdio: ['ignore', fd, fd] })
    closeSync(fd)
    this.#child = child
    this.#watchdog.guard(child.pid)
    child.once('exit', () => this.#watchdog.guard(undefined))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Waits for the end of one that was told or made to end, and ends it in the end. */
  async ended(): Promise<void> {
    const child = this.#child
    if (!child || !this.runs) return
    const exited = once(child, 'exit')
    const limit = new AbortController()
    const late = delay(TERM_LIMIT_MS, undefined, { signal: limit.signal }).then(
      () => this.signal('SIGKILL'),
      () => {},
    )
    await exited
    limit.abort()
    await late
  }

  /** Ends it for good. */
  async dispose(): Promise<void> {
    for (const signal of ['SIGCONT', 'SIGTERM'] as const) this.signal(signal)
    await this.ended()
    await this.#watchdog.dismiss()
  }
}
