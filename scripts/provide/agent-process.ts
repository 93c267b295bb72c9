import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { awaitEnd } from './await-end.ts'
import type { GroupReaper } from './group-reaper.ts'
import { plainEnvironment } from './plain-environment.ts'
import { type Ports, takenPort } from './ports.ts'
import { becomesReady } from './readiness.ts'

/** A Consul agent of ours. It dies with this process, however that ends, and does not keep this process alive. */
export interface ConsulAgent {
  /** `http://host:port`, or `https://…` when the HTTP port is off. */
  readonly address: string
  readonly ports: Ports
  /** The process of now: another one after `restart()`. */
  readonly pid: number
  readonly binary: string
  readonly logFile: string
  /** Stops it (TERM, KILL after 5 s) and removes what was temporary, the log included. May be called twice. */
  stop(): Promise<void>
  /** Sends a signal to the process, if it still runs. */
  kill(signal: NodeJS.Signals): void
  /** Stops it if it runs and starts it on the same ports and data; resolves when it is ready. */
  restart(): Promise<void>
  /** Resolves when it is ready; rejects after 30 s, or when it is gone, with the end of its log in the message. */
  ready(): Promise<void>
  /** Resolves when the process of now has ended, and keeps ours alive until then. */
  exited(): Promise<void>
}

/** What an agent is started from. */
export interface AgentProcessOptions {
  readonly binary: string
  readonly args: readonly string[]
  readonly address: string
  readonly host: string
  readonly ports: Ports
  readonly logFile: string
  readonly verbose: boolean
  readonly groupReaper: GroupReaper
  readonly probe: (agent: ConsulAgent) => Promise<boolean>
}

const readyLimitMs = 30_000
const termLimitMs = 5_000
const tailLines = 15

/** The process behind a `ConsulAgent`; `restart()` starts it in the first place. */
export class AgentProcess implements ConsulAgent {
  readonly address: string
  readonly ports: Ports
  readonly binary: string
  readonly logFile: string
  readonly #options: AgentProcessOptions
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #running = false
  #lostItsPort = false
  #logStart = 0

  constructor(options: AgentProcessOptions) {
    this.address = options.address
    this.ports = options.ports
    this.binary = options.binary
    this.logFile = options.logFile
    this.#options = options
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Whether it ended, or never got up, because another process has one of its ports. */
  get lostItsPort(): boolean {
    return this.#lostItsPort || (!this.#running && this.#log().includes('address already in use'))
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) this.#child?.kill(signal)
  }

  async stop(): Promise<void> {
    await this.#terminate()
    await this.#options.groupReaper.dismiss()
  }

  async restart(): Promise<void> {
    await this.#terminate()
    await this.#checkPorts()
    this.#start()
    await this.ready()
  }

  async ready(): Promise<void> {
    const gone = () => !this.#running
    if (await becomesReady(() => this.#options.probe(this), gone, readyLimitMs)) return
    const what = gone() ? 'has ended' : `is not ready after ${readyLimitMs / 1000} s`
    const tail = this.#log().trimEnd().split('\n').slice(-tailLines).join('\n')
    throw new Error(`The Consul agent at ${this.address} ${what}. Its log ends with:\n${tail}`)
  }

  exited(): Promise<void> {
    if (this.#running) this.#child?.ref()
    return this.#ended
  }

  // Otherwise whoever answers on our HTTP port would pass for our agent until that has noticed.
  async #checkPorts(): Promise<void> {
    const taken = await takenPort(this.ports, this.#options.host)
    this.#lostItsPort = taken !== undefined
    if (taken) throw new Error(`The port ${taken} on ${this.#options.host} is in use by another process.`)
  }

  #start(): void {
    const { binary, args, verbose, groupReaper } = this.#options
    const log = openSync(this.logFile, 'a')
    this.#logStart = statSync(this.logFile).size
    const output = verbose ? 'pipe' : log
    // In a group of its own: a terminal's Ctrl-C is for us, who stop the agent when nobody needs it any more.
    const child = spawn(binary, args, { detached: true, env: plainEnvironment(), stdio: ['ignore', output, output] })
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = () => {
      this.#running = false
      if (child.pid) groupReaper.release(child.pid)
      resolve()
    }
    child.on('exit', end)
    child.on('error', (error) => {
      appendFileSync(this.logFile, `${error.message}\n`)
      if (child.pid === undefined) end()
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.#copy(chunk))
    child.unref()
    closeSync(log)
    this.#child = child
    this.#ended = promise
    this.#running = true
    if (child.pid) groupReaper.guard(child.pid)
  }

  #copy(chunk: Buffer): void {
    appendFileSync(this.logFile, chunk)
    process.stderr.write(chunk)
  }

  async #terminate(): Promise<void> {
    const ended = this.exited()
    this.kill('SIGTERM')
    this.kill('SIGCONT')
    await awaitEnd(ended, () => this.kill('SIGKILL'), termLimitMs)
  }

  #log(): string {
    try {
      return readFileSync(this.logFile).subarray(this.#logStart).toString()
    } catch {
      return ''
    }
  }
}
