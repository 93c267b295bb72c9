import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { type Program, program } from '../debian.ts'
import { becomesReady } from '../readiness.ts'
import { startWatchdog } from '../watchdog.ts'
import type { App, Connection } from './app.ts'
import { RedisConnection } from './resp.ts'

/** The script that the example ships. */
const ROLE = join(import.meta.dirname, '../../examples/redis-failover/redis-role')

const READY_LIMIT_MS = 10_000

// The effect and the time of it, in one step that no other command comes between.
const WRITE = "redis.call('SADD', KEYS[1], ARGV[1]) return redis.call('TIME')"

/** A real redis-server, configured as the example says. */
export class RedisApp implements App {
  readonly address: string
  readonly port: number
  readonly yaml: string
  readonly env: NodeJS.ProcessEnv
  readonly #dir: string
  readonly #server: Program
  readonly #watchdog = startWatchdog()
  #child: ChildProcess | undefined

  private constructor(dir: string, address: string, port: number, server: Program, env: NodeJS.ProcessEnv) {
    this.#dir = dir
    this.address = address
    this.port = port
    this.#server = server
    this.env = { ...env, REDIS_HOST: address, REDIS_PORT: String(port), REDIS_PIDFILE: join(dir, 'redis.pid') }
    this.yaml = `
health: { command: [${ROLE}, health], timeout: 3s }
ensure_master: [${ROLE}, master]
ensure_slave: [${ROLE}, slave, '{master_address}', '{master_port}']
demote: [${ROLE}, demote]
fence: [${ROLE}, fence]
ready_to_lead: [${ROLE}, ready]
timeouts: { demote: 3s, fence: 2s }
`
  }

  /** Finds the programs; nothing is started yet. */
  static async prepare(dir: string, address: string, port: number): Promise<RedisApp> {
    mkdirSync(dir, { recursive: true })
    const server = await program('redis-server', 'redis-server')
    const cli = await program('redis-cli', 'redis-tools')
    return new RedisApp(dir, address, port, server, {
      PATH: `${dirname(cli.path)}${delimiter}${process.env.PATH}`,
      LD_LIBRARY_PATH: [server.env.LD_LIBRARY_PATH, cli.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
    })
  }

  async start(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) return
    const log = openSync(join(this.#dir, 'redis.log'), 'a')
    const child = spawn(this.#server.path, this.#settings(), {
      cwd: this.#dir,
      env: this.#server.env,
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    this.#watchdog.guard(child.pid)
    child.once('exit', () => this.#watchdog.guard(undefined))
    const answers = async () => {
      const connection = await RedisConnection.open(this.address, this.port)
      const pong = await connection.command('PING').finally(() => connection.close())
      return pong === 'PONG'
    }
    if (!(await becomesReady(answers, () => child.exitCode !== null, READY_LIMIT_MS))) {
      throw new Error(`redis-server at ${this.address}:${this.port} doesn't start; see ${this.#dir}/redis.log`)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      this.signal('SIGKILL')
      await exited
    }
    await this.#watchdog.dismiss()
  }

  async connect(): Promise<Connection> {
    const redis = await RedisConnection.open(this.address, this.port)
    return {
      async write(set, number) {
        const [seconds, microseconds] = (await redis.command('EVAL', WRITE, 1, set, number)) as [string, string]
        return Number(seconds) * 1000 + Number(microseconds) / 1000
      },
      close: () => redis.close(),
    }
  }

  async stored(set: string): Promise<Set<number>> {
    return new Set(((await this.#ask('SMEMBERS', set)) as string[]).map(Number))
  }

  async follows(): Promise<boolean> {
    const info = await this.#ask('INFO', 'replication')
    return String(info).includes('master_link_status:up')
  }

  async #ask(...words: string[]) {
    const redis = await RedisConnection.open(this.address, this.port)
    return redis.command(...words).finally(() => redis.close())
  }

  #settings(): string[] {
    const settings = {
      bind: this.address,
      port: this.port,
      dir: this.#dir,
      pidfile: join(this.#dir, 'redis.pid'),
      appendonly: 'yes',
      replicaof: '127.0.0.1 1',
      'replica-announce-ip': this.address,
      'repl-diskless-sync-delay': 0,
    }
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...String(value).split(' ')])
  }
}
