import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, program } from '../provide/debian.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { becomesReady } from '../provide/readiness.ts'
import { RedisClient } from '../provide/redis-client.ts'
import type { App, Connection } from './app.ts'
import type { NodePlace } from './node-place.ts'

const READY_LIMIT_MS = 10_000

// The effect and the time of it, in one step that no other command comes between.
const WRITE = "redis.call('SADD', KEYS[1], ARGV[1]) return redis.call('TIME')"

/** A real redis-server. What it is told while it runs may be kept in its configuration file. */
export class RedisApp implements App {
  readonly address: string
  readonly port: number
  readonly #dir: string
  readonly #server: Program
  readonly #groupReaper = startGroupReaper()
  #child: ChildProcess | undefined

  private constructor({ dir, address, port }: NodePlace, server: Program) {
    this.#dir = dir
    this.address = address
    this.port = port
    this.#server = server
  }

  /** Finds the program and writes its configuration, with further settings; nothing is started yet. */
  static async prepare(place: NodePlace, settings: Record<string, string | number>): Promise<RedisApp> {
    const { dir, address, port } = place
    const ours = {
      bind: address,
      port,
      dir,
      pidfile: redisPidFile(place),
      appendonly: 'yes',
      'replica-announce-ip': address,
      'repl-diskless-sync-delay': 0,
    }
    const lines = Object.entries({ ...ours, ...settings }).map(([name, value]) => `${name} ${value}\n`)
    writeFileSync(join(dir, 'redis.conf'), lines.join(''))
    return new RedisApp(place, await program('redis-server', 'redis-server'))
  }

  async start(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) return
    const log = openSync(join(this.#dir, 'redis.log'), 'a')
    const child = spawn(this.#server.path, ['redis.conf'], {
      cwd: this.#dir,
      env: this.#server.env,
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    const pid = child.pid as number
    this.#groupReaper.guard(pid)
    child.once('exit', () => this.#groupReaper.release(pid))
    const answers = async () => {
      const connection = await RedisClient.open(this.address, this.port)
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
    await this.#groupReaper.dismiss()
  }

  async connect(): Promise<Connection> {
    const redis = await RedisClient.open(this.address, this.port)
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
    const redis = await RedisClient.open(this.address, this.port)
    return redis.command(...words).finally(() => redis.close())
  }
}

/** The file with the process id of the Redis there. */
export function redisPidFile({ dir }: Pick<NodePlace, 'dir'>): string {
  return join(dir, 'redis.pid')
}
