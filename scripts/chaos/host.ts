import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { awaitEnd } from '../provide/await-end.ts'
import { FaultProxy } from '../provide/fault-proxy.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { plainEnvironment } from '../provide/plain-environment.ts'
import { now, writeEntry } from './history-file.ts'
import { LogPipe } from './log-pipe.ts'

/** What a host is made of. */
export interface HostOptions {
  readonly name: string
  /** Where histories are kept. */
  readonly dir: string
  /** The local agent's address, and the one that this host's proxy listens on. */
  readonly agent: string
  readonly address: string
  /** The runner with all its words. */
  readonly command: readonly [string, ...string[]]
  /** The file with the token, where one is needed. */
  readonly tokenFile: string | undefined
}

const TERM_LIMIT_MS = 12_000
/** A supervisor's pause before it starts again what failed. */
const PAUSE_MS = 500

/** A machine on which a supervisor runs one lock runner again and again. */
export class Host {
  readonly name: string
  readonly proxy: FaultProxy
  /** Where runners and their commands write to. */
  readonly log: LogPipe
  readonly #options: HostOptions
  readonly #groupReaper = startGroupReaper()
  readonly #looping: Promise<void>
  #runner: { readonly pid: number; readonly ended: Promise<unknown> } | undefined
  #stopping = false

  private constructor(options: HostOptions, proxy: FaultProxy) {
    this.name = options.name
    this.#options = options
    this.proxy = proxy
    this.log = new LogPipe(join(options.dir, `${options.name}.log`))
    this.#looping = this.#loop()
  }

  /** Begins to contend. */
  static async start(options: HostOptions): Promise<Host> {
    return new Host(options, await FaultProxy.start(options.agent, options.address))
  }

  /** Sends the runner a signal, if it is still this one. */
  signal(runner: number, signal: NodeJS.Signals): void {
    if (this.#runner?.pid === runner) process.kill(runner, signal)
  }

  /** Sends a signal to the runner of the moment. */
  signalAny(signal: NodeJS.Signals): void {
    if (this.#runner) process.kill(this.#runner.pid, signal)
  }

  /** Ends the runner, by force if it must be, and starts no other. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.log.release()
    const runner = this.#runner
    if (runner) {
      for (const signal of ['SIGCONT', 'SIGTERM'] as const) this.signal(runner.pid, signal)
      await awaitEnd(runner.ended, () => this.signal(runner.pid, 'SIGKILL'), TERM_LIMIT_MS)
    }
    await this.#looping
    await this.#groupReaper.dismiss()
    await this.proxy[Symbol.asyncDispose]()
    this.log[Symbol.dispose]()
  }

  async #loop(): Promise<void> {
    while (!this.#stopping) {
      const code = await this.#run()
      if (code !== 0 && !this.#stopping) await delay(PAUSE_MS)
    }
  }

  async #run(): Promise<number> {
    const { name, dir, command, tokenFile } = this.#options
    const [file, ...args] = command
    const log = this.log.open()
    const env = {
      ...plainEnvironment(),
      CONSUL_HTTP_ADDR: this.proxy.address,
      ...(tokenFile === undefined ? {} : { CONSUL_HTTP_TOKEN_FILE: tokenFile }),
    }
    const child = spawn(file, args, { detached: true, env, stdio: ['ignore', log, log] })
    closeSync(log)
    const ended = once(child, 'exit')
    const pid = child.pid as number
    this.#runner = { pid, ended }
    this.#groupReaper.guard(pid)
    const [code] = await ended
    this.#runner = undefined
    this.#groupReaper.release(pid)
    writeEntry(join(dir, 'history'), { at: now(), event: 'exit', host: name, code: code ?? 128 })
    return code ?? 128
  }
}
