import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { RedisClient, type Reply } from '../../scripts/provide/redis-client.ts'
import { afterTest } from './after-test.ts'
import { patiently } from './locker.ts'
import { childrenOf, kill, runs } from './processes.ts'
import type { Toy } from './toy-application.ts'
import { scratch } from './unique.ts'

/** A real Redis for one test, which ends with it. */
export class RedisServer {
  readonly host: string
  readonly port: number
  readonly dir = scratch()
  readonly #settings: readonly string[]
  #child: ChildProcess | undefined

  private constructor(port: number, settings: Readonly<Record<string, string | number>>, host: string) {
    const all = { port, bind: host, dir: this.dir, pidfile: join(this.dir, 'redis.pid'), save: '""', ...settings }
    this.host = host
    this.port = Number(all.port)
    this.#settings = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')])
    afterTest(() => this.kill())
  }

  /** Starts one with these settings, at a port of its own unless they name one. */
  static async start(
    settings: Readonly<Record<string, string | number>> = {},
    host = '127.0.0.1',
  ): Promise<RedisServer> {
    const server = new RedisServer((await freePorts()).http, settings, host)
    await server.start()
    return server
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get log(): string {
    return readFileSync(join(this.dir, 'redis.log'), 'utf8')
  }

  /** Starts it again, with further settings; resolves when it can be connected to. */
  start(...further: readonly string[]): Promise<void> {
    return this.startWith(...this.#settings, ...further)
  }

  /** Starts it with these words, of which a configuration file may be the first. */
  async startWith(...words: readonly string[]): Promise<void> {
    const { path, env } = await program('redis-server', 'redis-server')
    const log = openSync(join(this.dir, 'redis.log'), 'a')
    const child = spawn(path, words, { cwd: this.dir, env, stdio: ['ignore', log, log] })
    this.#child = child
    const answers = async () => {
      if (child.exitCode !== null) throw new Error(`redis-server has ended: ${this.log}`)
      return RedisClient.open(this.host, this.port).then(
        (connection) => {
          connection.close()
          return true
        },
        () => false,
      )
    }
    await patiently(answers, () => this.log)
  }

  /** Asks it on a connection of its own, by this password. */
  async ask(words: readonly (string | number)[], password?: string): Promise<Reply> {
    const connection = await RedisClient.open(this.host, this.port)
    try {
      if (password !== undefined) await connection.command('AUTH', password)
      return await connection.command(...words)
    } finally {
      connection.close()
    }
  }

  /** One line of INFO. */
  async info(field: string): Promise<string> {
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(await this.ask(['INFO'])))?.[1] ?? ''
  }

  /** Whether it takes a write. */
  takesWrites(): Promise<boolean> {
    return this.ask(['SET', 'probe', 1]).then(
      () => true,
      () => false,
    )
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  get isAlive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ends it as a power cut does: what it has forked to save goes, too, which has its port open. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child?.pid || !this.isAlive) return
    const exited = once(child, 'exit')
    this.signal('SIGSTOP')
    const forks = childrenOf(child.pid)
    for (const pid of forks) kill(pid)
    this.signal('SIGKILL')
    await exited
    await patiently(
      () => !forks.some(runs),
      () => 'what Redis has forked lives on',
    )
  }
}

/** Has a toy's agent keep this Redis, by the handler. */
export function keepRedis(toy: Toy, { port }: RedisServer, keys: Readonly<Record<string, unknown>> = {}): void {
  const commands = ['health', 'ensure_master', 'ensure_slave', 'demote', 'fence']
  toy.configure({ ...Object.fromEntries(commands.map((key) => [key, undefined])), application: 'redis', port, ...keys })
}
