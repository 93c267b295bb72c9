import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { program } from '../debian.ts'
import { execute } from '../execute.ts'
import type { App, Connection } from './app.ts'

/** The script that the example ships. */
const ROLE = join(import.meta.dirname, '../../examples/postgres-failover/postgres-role')

/** PostgreSQL refuses to run as root: the words that make it, and its leader agent, somebody else. */
export async function asOrdinaryUser(): Promise<{ words: string[]; uid: number; gid: number }> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid !== 0) return { words: [], uid, gid }
  const number = async (flag: string) => Number(await execute('id', [flag, 'nobody']))
  const [otherUid, otherGid] = [await number('-u'), await number('-g')]
  const words = ['setpriv', `--reuid=${otherUid}`, `--regid=${otherGid}`, '--clear-groups']
  return { words, uid: otherUid, gid: otherGid }
}

/** A real PostgreSQL, which the example's script starts. The first node has data, the others get theirs from it. */
export class PostgresApp implements App {
  readonly address: string
  readonly port: number
  readonly yaml: string
  readonly env: NodeJS.ProcessEnv
  readonly #dir: string
  readonly #through: readonly string[]
  readonly #isFirst: boolean
  readonly #bin: string

  private constructor(place: Place, bin: string, libraries: string | undefined, through: readonly string[]) {
    const { dir, address, port } = place
    this.#dir = dir
    this.#bin = bin
    this.#through = through
    this.#isFirst = place.isFirst
    this.address = address
    this.port = port
    this.env = {
      PATH: `${bin}:${process.env.PATH}`,
      ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }),
      PGDATA: join(dir, 'data'),
      PGCONF: join(dir, 'postgresql.conf'),
      PGLOG: join(dir, 'postgres.log'),
      PGBIN: bin,
      PGHOST: address,
      PGPORT: String(port),
      PGUSER: 'postgres',
      LC_ALL: 'C.UTF-8',
    }
    this.yaml = `
health: { command: [${ROLE}, health], timeout: 4s }
ensure_master: [${ROLE}, master]
ensure_slave: [${ROLE}, slave, '{master_address}', '{master_port}']
demote: [${ROLE}, demote]
fence: [${ROLE}, fence]
ready_to_lead: [${ROLE}, ready]
`
  }

  /** Finds the programs and writes the settings; nothing is started yet. */
  static async prepare(place: Place): Promise<PostgresApp> {
    const { dir, address, port } = place
    const { words, uid, gid } = await asOrdinaryUser()
    const found = await program('pg_ctl', 'postgresql-15')
    mkdirSync(dir, { recursive: true })
    // The lab's own directory is for its owner only.
    chmodSync(join(dir, '../..'), 0o755)
    chownSync(dir, uid, gid)
    const settings = {
      listen_addresses: address,
      port,
      unix_socket_directories: '',
      hba_file: join(dir, 'pg_hba.conf'),
      wal_log_hints: 'on',
      wal_keep_size: '64MB',
      restart_after_crash: 'off',
      shared_buffers: '16MB',
      fsync: 'off',
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
    writeFileSync(join(dir, 'postgresql.conf'), lines.join(''))
    const hosts = ['all', 'replication'].map((database) => `host ${database} all 127.0.0.0/8 trust\n`)
    writeFileSync(join(dir, 'pg_hba.conf'), hosts.join(''))
    return new PostgresApp(place, dirname(realpathSync(found.path)), found.env.LD_LIBRARY_PATH, words)
  }

  async start(): Promise<void> {
    if (!this.#isFirst || readdirSync(this.#dir).includes('data')) return
    const data = join(this.#dir, 'data')
    await this.#run('initdb', '--no-sync', '--auth=trust', '--username=postgres', `--pgdata=${data}`)
    const table = 'CREATE TABLE numbers (name text, number bigint)'
    await this.#run('sh', '-c', `echo "$1" | postgres --single -D "$2" postgres`, 'sh', table, data)
    await this.#run(ROLE, 'start')
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
    const child = spawn('psql', this.#psqlWords(), { env: this.env })
    const connection = new PsqlConnection(child)
    await connection.ask('SELECT 1;')
    return connection
  }

  async stored(set: string): Promise<Set<number>> {
    const text = await this.#ask(`SELECT number FROM numbers WHERE name = '${set}'`)
    return new Set(text.split('\n').filter(Boolean).map(Number))
  }

  async follows(): Promise<boolean> {
    const text = await this.#ask("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'")
    return text.trim() === '1'
  }

  #ask(query: string): Promise<string> {
    return execute(join(this.#bin, 'psql'), [...this.#psqlWords(), '-c', query], { env: this.env })
  }

  #psqlWords(): string[] {
    const target = `host=${this.address} port=${this.port} user=postgres dbname=postgres connect_timeout=2`
    return ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', target]
  }

  #run(...words: string[]): Promise<string> {
    const [command = '', ...args] = [...this.#through, ...words]
    return execute(command, args, { cwd: this.#dir, env: { ...process.env, ...this.env } })
  }

  get #postmaster(): number | undefined {
    try {
      return Number(readFileSync(join(this.#dir, 'data/postmaster.pid'), 'utf8').split('\n')[0]) || undefined
    } catch {
      return undefined
    }
  }
}

interface Place {
  readonly dir: string
  readonly address: string
  readonly port: number
  /** It has the data that the others copy. */
  readonly isFirst: boolean
}

/** A psql that goes on: one statement at a time, one line of answer each. */
class PsqlConnection implements Connection {
  readonly #child: ChildProcessWithoutNullStreams
  #waiting: PromiseWithResolvers<string> | undefined
  #closed = false

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stdin.on('error', () => {})
    child.stderr.on('data', (text: Buffer) => this.#waiting?.reject(new Error(text.toString())))
    createInterface(child.stdout).on('line', (line) => this.#waiting?.resolve(line))
    const end = () => {
      this.#closed = true
      this.#waiting?.reject(new Error('the connection is lost'))
    }
    once(child, 'close').then(end, end)
  }

  ask(statement: string): Promise<string> {
    if (this.#closed) return Promise.reject(new Error('the connection is lost'))
    this.#waiting = Promise.withResolvers()
    this.#child.stdin.write(`${statement}\n`)
    return this.#waiting.promise
  }

  async write(set: string, number: number): Promise<number> {
    const insert = `INSERT INTO numbers VALUES ('${set}', ${number})`
    return Number(await this.ask(`${insert} RETURNING round(extract(epoch FROM clock_timestamp()) * 1000);`))
  }

  close(): void {
    this.#child.kill('SIGKILL')
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
