import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Program, program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { afterTest } from './after-test.ts'
import { patiently } from './locker.ts'
import { scratch } from './unique.ts'

const RESTART_MS = 300
const PASSWORD = 'geheim'
const REPLICATION = `SET sql_log_bin = 0; CREATE USER repl@'127.%' IDENTIFIED BY '${PASSWORD}';
  GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, LOCK TABLES, REPLICATION SLAVE, BINLOG MONITOR
    ON *.* TO repl@'127.%';
  CREATE USER app@'127.%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'127.%'`

/** A new data directory, which servers take copies of. */
export async function newDataDirectory(): Promise<string> {
  const { path, env } = await program('mariadb-install-db', 'mariadb-server')
  const data = join(scratch(), 'data')
  const words = ['--no-defaults', `--basedir=${dirname(dirname(path))}`, `--datadir=${data}`, '--cross-bootstrap']
  const quick = ['--skip-test-db', '--auth-root-authentication-method=socket', '--innodb-log-file-size=8M', ...asRoot()]
  await execute(path, [...words, ...quick], { env })
  return data
}

/** A MariaDB that is started again whenever it ends, as systemd does it; as the examples have it, it begins closed. */
export class MariadbNode {
  readonly dir: string
  readonly port: number
  readonly #server: Program
  #process: ChildProcess | undefined
  #isKept = true

  private constructor(dir: string, port: number, server: Program) {
    this.dir = dir
    this.port = port
    this.#server = server
    afterTest(() => this.down())
  }

  /** Starts one with accounts for replication and for an application, and nothing else. */
  static async start(data: string, id: number): Promise<MariadbNode> {
    const server = await program('mariadbd', 'mariadb-server')
    const node = new MariadbNode(scratch(), (await freePorts()).http, server)
    cpSync(data, join(node.dir, 'data'), { recursive: true })
    mkdirSync(join(node.dir, 'tmp'))
    writeFileSync(join(node.dir, 'replication.password'), `${PASSWORD}\n`, { mode: 0o600 })
    node.configure(id)
    node.up()
    await node.answers()
    await node.sql(REPLICATION)
    return node
  }

  get socket(): string {
    return join(this.dir, 'sock')
  }

  /** The environment in which the server's programs are found. */
  get env(): NodeJS.ProcessEnv {
    return this.#server.env
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the server is down')
    return this.#process.pid
  }

  configure(id: number, lines: readonly string[] = ['read_only=1']): void {
    const usr = dirname(dirname(this.#server.path))
    const all = [
      '[mysqld]',
      `basedir=${usr}`,
      `lc-messages-dir=${usr}/share/mysql`,
      `plugin-dir=${usr}/lib/mysql/plugin`,
      `datadir=${this.dir}/data`,
      `tmpdir=${this.dir}/tmp`,
      `socket=${this.socket}`,
      'bind-address=127.0.0.1',
      `port=${this.port}`,
      `server-id=${id}`,
      'log-bin=bin',
      'log-slave-updates=1',
      'gtid-strict-mode=1',
      'innodb-buffer-pool-size=8M',
      'innodb-log-file-size=8M',
      'key-buffer-size=256K',
      'aria-pagecache-buffer-size=256K',
      'performance-schema=0',
      ...asRoot().map((word) => word.slice(2)),
      ...lines,
    ]
    writeFileSync(join(this.dir, 'my.cnf'), `${all.join('\n')}\n`)
  }

  /** The section of an agent's file. */
  get section(): Readonly<Record<string, unknown>> {
    return {
      socket: this.socket,
      data: join(this.dir, 'data'),
      defaults_file: join(this.dir, 'my.cnf'),
      replication_user: 'repl',
      replication_password_file: join(this.dir, 'replication.password'),
    }
  }

  up(): void {
    this.#isKept = true
    if (this.#process) return
    const { path, env } = this.#server
    const started = spawn(path, [`--defaults-file=${this.dir}/my.cnf`], { env, stdio: 'ignore' })
    this.#process = started
    started.once('exit', () => {
      this.#process = undefined
      setTimeout(() => this.#isKept && this.#process === undefined && this.up(), RESTART_MS)
    })
  }

  /** Kills it, and leaves it so. */
  async down(): Promise<void> {
    this.#isKept = false
    const running = this.#process
    if (!running) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }

  async answers(): Promise<void> {
    let last = ''
    const look = () =>
      this.sql('SELECT 1').then(
        () => true,
        (thrown: Error) => {
          last = thrown.message
          return false
        },
      )
    await patiently(look, () => `MariaDB in ${this.dir} doesn't answer: ${last}`)
  }

  /** What the client prints for a statement, as an administrator by default; a line for each row. */
  async sql(statement: string, account: 'root' | 'app' | 'boss' = 'root'): Promise<string[]> {
    const { path, env } = await program('mariadb', 'mariadb-server')
    const root = ['--socket', this.socket, '--user=root']
    const app = ['--host=127.0.0.1', `--port=${this.port}`, `--user=${account}`, '--password=app']
    const words = ['--no-defaults', '--batch', '--skip-column-names', ...(account === 'root' ? root : app)]
    const output = await execute(path, [...words, '--execute', statement], { env })
    return output.split('\n').filter((line) => line !== '')
  }
}

function asRoot(): string[] {
  return process.geteuid?.() === 0 ? ['--user=root'] : []
}
