import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { program } from '../provide/debian.ts'
import { asOrdinaryUser } from '../provide/ordinary-user.ts'
import type { App, Connection } from './app.ts'

/** What a PostgreSQL of the lab is: where, and with which programs. */
export interface PostgresHome {
  readonly address: string
  readonly port: number
  /** Its data directory. */
  readonly data: string
  /** The directory of its programs. */
  readonly bin: string
  /** What they need in their environment. */
  readonly env: NodeJS.ProcessEnv
}

/** Where the programs of PostgreSQL 15 are, and who runs them: it refuses to run as root. */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const user = await asOrdinaryUser()
  const found = await program('pg_ctl', 'postgresql-15')
  const { LD_LIBRARY_PATH } = found.env
  const bin = dirname(realpathSync(found.path))
  const env = { PATH: `${bin}:${process.env.PATH}`, LC_ALL: 'C.UTF-8', ...(LD_LIBRARY_PATH ? { LD_LIBRARY_PATH } : {}) }
  return { bin, env, user }
}

export interface PostgresPrograms {
  readonly bin: string
  readonly env: NodeJS.ProcessEnv
  readonly user: Awaited<ReturnType<typeof asOrdinaryUser>>
}

/** The settings that all have; they are for a machine that doesn't care for its disk. */
export const POSTGRES_SETTINGS = { shared_buffers: '16MB', fsync: 'off', wal_log_hints: 'on' } as const

/** The table that clients write to. */
export const NUMBERS_TABLE = 'CREATE TABLE numbers (name text, number bigint)'

// The effect and the time of it, in one statement.
const INSERT = 'INSERT INTO numbers VALUES ($1, $2) RETURNING round(extract(epoch FROM clock_timestamp()) * 1000) AS at'

const CONNECT_LIMIT_MS = 2000

/** A real PostgreSQL, which its keeper starts. */
export class PostgresApp implements App {
  readonly address: string
  readonly port: number
  readonly #home: PostgresHome
  readonly #create: (() => Promise<unknown>) | undefined

  /** `create` makes the data that the others copy, and is called when there are none yet. */
  constructor(home: PostgresHome, create?: () => Promise<unknown>) {
    this.#home = home
    this.#create = create
    this.address = home.address
    this.port = home.port
  }

  async start(): Promise<void> {
    if (!existsSync(this.#home.data)) await this.#create?.()
  }

  signal(signal: NodeJS.Signals): void {
    const postmaster = this.#postmaster
    if (postmaster === undefined) return
    // Not one by one: the postmaster would see to those that fall first.
    if (signal !== 'SIGCONT') kill(postmaster, 'SIGSTOP')
    for (const pid of [...childrenOf(postmaster), postmaster]) kill(pid, signal)
  }

  async stop(): Promise<void> {
    this.signal('SIGKILL')
  }

  async connect(): Promise<Connection> {
    const { client, socket } = await this.#open()
    return {
      async write(set, number) {
        try {
          const { rows } = await client.query(INSERT, [set, number])
          return Number(rows[0].at)
        } catch (error) {
          throw socket.destroyed ? new Error('the connection is lost', { cause: error }) : error
        }
      },
      close: () => void socket.destroy(),
    }
  }

  async stored(set: string): Promise<Set<number>> {
    const rows = await this.#ask('SELECT number FROM numbers WHERE name = $1', [set])
    return new Set(rows.map(({ number }) => Number(number)))
  }

  async follows(): Promise<boolean> {
    const rows = await this.#ask("SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'")
    return rows.length === 1
  }

  async #ask(query: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const { client, socket } = await this.#open()
    try {
      return (await client.query(query, [...values])).rows
    } finally {
      socket.destroy()
    }
  }

  async #open(): Promise<{ client: Client; socket: Socket }> {
    const socket = new Socket()
    const { address: host, port } = this
    const target = { host, port, user: 'postgres', database: 'postgres' }
    const client = new Client({ ...target, connectionTimeoutMillis: CONNECT_LIMIT_MS, stream: () => socket })
    // A query that is under way rejects, too.
    client.on('error', () => {})
    await client.connect()
    return { client, socket }
  }

  get #postmaster(): number | undefined {
    try {
      return Number(readFileSync(join(this.#home.data, 'postmaster.pid'), 'utf8').split('\n')[0]) || undefined
    } catch {
      return undefined
    }
  }
}

function childrenOf(parent: number): number[] {
  const isChild = (pid: string) => read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === String(parent)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isChild(entry))
    .map(Number)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}
