import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, inject } from 'vitest'
import { program } from '../../../scripts/provide/debian.ts'
import { asOrdinaryUser } from '../../../scripts/provide/ordinary-user.ts'
import { freePorts } from '../../../scripts/provide/ports.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { createLog } from '../../../src/base/log.ts'
import { parseAddress } from '../../../src/consul/address.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { openTransport } from '../../../src/consul/transport.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { CallOptions } from '../../../src/leader/application/application.ts'
import type { Handler } from '../../../src/leader/application/handler.ts'
import type { Note } from '../../../src/leader/application/note.ts'
import { ConsulNoteStore, type NoteStore } from '../../../src/leader/application/note-store.ts'
import { postgresHandler } from '../../../src/leader/application/postgres/postgres-handler.ts'
import { parseLeaderFile } from '../../../src/leader/leader-file.ts'
import type { Leader } from '../../../src/leader/machine/agent-state.ts'
import { childrenOf } from '../../kit/processes.ts'
import { removeFolder } from '../../kit/remove-folder.ts'
import { uniqueName } from '../../kit/unique.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'

const LIMIT_MS = 60_000
const CALL: CallOptions = { leader: undefined, fence: 1, hurried: false, onGroup: () => {} }

/** Nothing of what a handler says is lost: a test that fails shows it. */
const said: string[] = []

/** A context for one call, with a limit as an agent's has. */
export function within(ms = LIMIT_MS): Context {
  const log = createLog({ format: 'text', quiet: false, debug: false, write: (line) => said.push(line) })
  return { clock: systemClock, log, signal: AbortSignal.timeout(ms), random: Math.random }
}

/**
 * Several PostgreSQL servers of one cluster, each with the handler that an agent would have, and their note at Consul.
 */
export class Members implements AsyncDisposable {
  readonly notes: NoteStore
  readonly #consul: Consul
  readonly #dir: string
  readonly #bin: string
  readonly #port: number
  /** In which the server's programs run. */
  readonly environment: NodeJS.ProcessEnv
  readonly #made: Member[] = []
  readonly #key = `lock/${uniqueName('postgres')}/note`

  private constructor(dir: string, bin: string, port: number, environment: NodeJS.ProcessEnv, consul: Consul) {
    this.#dir = dir
    this.#bin = bin
    this.#port = port
    this.environment = environment
    this.#consul = consul
    this.notes = new ConsulNoteStore(consul, this.#key)
  }

  /** This process becomes an ordinary user for that, and stays one: PostgreSQL refuses to run as root. */
  static async open(): Promise<Members> {
    const { path, env } = await program('pg_ctl', 'postgresql-15')
    const { uid, gid } = await asOrdinaryUser()
    process.setgroups?.([gid])
    process.setgid?.(gid)
    process.setuid?.(uid)
    const { http: port } = await freePorts()
    const settings = { ...NO_SETTINGS, address: parseAddress(inject('consulAddress'), false) }
    const consul = new Consul(settings, await openTransport(settings))
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-postgres-'))
    return new Members(dir, dirname(realpathSync(path)), port, { ...env, HOME: dir, LC_ALL: 'C' }, consul)
  }

  /** Another one, without data; further lines for its options, and further settings. */
  add(options: readonly string[] = [], settings: Readonly<Record<string, string>> = {}): Member {
    const n = this.#made.length + 1
    const place = { node: `n${n}`, dir: join(this.#dir, `n${n}`), address: `127.78.${process.pid % 250}.${n}` }
    const member = new Member({ ...place, port: this.#port }, this.#bin, this.environment, this.notes)
    member.configure(settings)
    member.handle(options)
    this.#made.push(member)
    return member
  }

  note(): Promise<Note | undefined> {
    return this.notes.read(within())
  }

  /** Deletes it. */
  async forget(): Promise<void> {
    await transact(within(), this.#consul, [{ verb: 'delete', key: this.#key }])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { handler } of this.#made) await handler.fence(within(), CALL).catch(() => {})
    this.#consul.close()
    removeFolder(this.#dir)
  }
}

interface MemberPlace {
  readonly node: string
  readonly dir: string
  readonly address: string
  readonly port: number
}

/** One PostgreSQL and its handler, which is called as an agent calls it. */
export class Member {
  readonly data: string
  readonly leader: Leader
  readonly dir: string
  handler!: Handler
  readonly #place: MemberPlace
  readonly #bin: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #notes: NoteStore

  constructor(place: MemberPlace, bin: string, environment: NodeJS.ProcessEnv, notes: NoteStore) {
    const { node, dir, address, port } = place
    mkdirSync(dir)
    this.dir = dir
    this.data = join(dir, 'data')
    this.leader = { node, address, port, promoted: true }
    this.#place = place
    this.#bin = bin
    this.#environment = environment
    this.#notes = notes
  }

  configure(more: Readonly<Record<string, string>> = {}): void {
    const { dir, address, port } = this.#place
    const settings = {
      listen_addresses: address,
      port: String(port),
      unix_socket_directories: '',
      hba_file: join(dir, 'pg_hba.conf'),
      shared_buffers: '16MB',
      fsync: 'off',
      wal_log_hints: 'on',
      ...more,
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
    writeFileSync(join(dir, 'postgresql.conf'), lines.join(''))
    this.admit('trust')
  }

  /** By which method it lets others in. */
  admit(method: string): void {
    const lines = ['all', 'replication'].map((database) => `host ${database} all 127.0.0.0/8 ${method}\n`)
    writeFileSync(join(this.#place.dir, 'pg_hba.conf'), lines.join(''))
  }

  /** What an agent's file says of it. */
  get keys() {
    const { dir, address, port } = this.#place
    const postgres = { data: this.data, config: join(dir, 'postgresql.conf'), bin: this.#bin }
    return { application: 'postgres', address, port, postgres }
  }

  /** Makes its handler anew, with further options. */
  handle(options: readonly string[] = []): void {
    const { node, address, port } = this.#place
    const about = Object.entries(this.keys.postgres).map(([key, value]) => `${key}: ${value}`)
    const section = [...about, ...options]
    const lines = [`name: pg`, `port: ${port}`, `address: ${address}`, 'application: postgres', 'postgres:']
    const file = parseLeaderFile('app.yaml', [...lines, ...section.map((line) => `  ${line}`), ''].join('\n'))
    this.handler = postgresHandler({ file, node, notes: this.#notes, environment: this.#environment })
  }

  initdb(...words: string[]): void {
    this.program('initdb', '--no-sync', '--auth=trust', '--username=postgres', `--pgdata=${this.data}`, ...words)
  }

  /** Runs one of PostgreSQL's programs, and gives its words. */
  program(name: string, ...words: string[]): string {
    const program = join(this.#bin, name)
    return execFileSync(program, words, { env: this.#environment, encoding: 'utf8', stdio: 'pipe' }).trim()
  }

  /** Asks it; rows are lines, and columns parted by `|`. */
  sql(statement: string): string {
    const { address, port } = this.#place
    const target = `host=${address} port=${port} user=postgres dbname=postgres connect_timeout=5`
    return this.program('psql', '-XqtA', target, '-c', statement)
  }

  health = (role: 'master' | 'slave' = 'slave') => this.handler.health(within(), role)
  ready = () => this.handler.readyToLead(within())
  promote = () => this.handler.ensureMaster(within(), CALL)
  follow = (master: Member, ms?: number) => this.handler.ensureSlave(within(ms), master.leader, CALL)
  standBy = () => this.handler.standBy(within(), CALL)
  /** Settles when it serves as a standby; one that is starting up refuses. */
  standsBy = () => expect.poll(() => this.standBy().then(() => 'up', String), { timeout: 20_000 }).toBe('up')
  demote = (hurried = false) => this.handler.demote(within(), { ...CALL, hurried })
  fence = () => this.handler.fence(within(), CALL)
  reinit = (master: Member, ms?: number) => this.handler.reinit(within(ms), master.leader, CALL)

  /** A cluster's first master, with a table of numbers. */
  async begin(): Promise<void> {
    this.initdb()
    await this.standBy()
    await this.promote()
    this.sql('CREATE TABLE numbers (number bigint, filler text)')
  }

  /** Writes some 1000 bytes a row. */
  write(from: number, to: number): void {
    this.sql(`INSERT INTO numbers SELECT n, repeat('x', 1000) FROM generate_series(${from}, ${to}) AS n`)
  }

  get count(): number {
    return Number(this.sql('SELECT count(*) FROM numbers'))
  }

  /** The first process of its server. */
  get postmaster(): number {
    return Number(readFileSync(join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0])
  }

  get has(): (name: string) => boolean {
    return (name) => existsSync(join(this.dir, name))
  }

  /** Sends a signal to all processes of its server. */
  signal(name: NodeJS.Signals): void {
    const { postmaster } = this
    if (name !== 'SIGCONT') process.kill(postmaster, 'SIGSTOP')
    for (const pid of childrenOf(postmaster)) process.kill(pid, name)
    process.kill(postmaster, name)
  }

  /** A file of passwords, as libpq wants it. */
  passfile(password: string): string {
    const file = join(this.dir, 'passwords')
    writeFileSync(file, `*:*:*:postgres:${password}\n`)
    chmodSync(file, 0o600)
    return file
  }
}
