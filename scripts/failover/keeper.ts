import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { awaitEnd } from '../provide/await-end.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'

const TERM_LIMIT_MS = 15_000

/** How to start a keeper. */
export interface KeeperOptions {
  /** The program and its arguments. */
  readonly words: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  readonly log: string
}

/** What keeps one master, on one node: a leader agent, a Sentinel, a Patroni. It dies with this process. */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #groupReaper = startGroupReaper()
  #child: ChildProcess | undefined

  constructor(options: KeeperOptions) {
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
    const { words, env, log } = this.#options
    const [program, ...args] = words
    const fd = openSync(log, 'a')
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', fd, fd] })
    closeSync(fd)
    this.#child = child
    const { pid } = child
    if (pid === undefined) return
    this.#groupReaper.guard(pid)
    child.once('exit', () => this.#groupReaper.release(pid))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Waits for the end of one that was told or made to end, and ends it in the end. */
  async ended(): Promise<void> {
    const child = this.#child
    if (!child || !this.runs) return
    await awaitEnd(once(child, 'exit'), () => this.signal('SIGKILL'), TERM_LIMIT_MS)
  }

  /** Ends it for good. */
  async dispose(): Promise<void> {
    for (const signal of ['SIGCONT', 'SIGTERM'] as const) this.signal(signal)
    await this.ended()
    await this.#groupReaper.dismiss()
  }
}
