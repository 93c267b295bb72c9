import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Program, program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { type Ended, LOCKER, patiently, Running } from './locker.ts'
import { removeFolder } from './remove-folder.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** What a login of root's has. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a machine that somebody installs something on may write to. */
const WRITABLE = ['etc', 'usr/local', 'var', 'tmp']

// Who is told to start a unit looks whether it can be started: it is there, and what it starts of ours is, too.
const SYSTEMCTL = `#!/bin/sh
case $1 in enable | start | restart) ;; *) exit 0 ;; esac
for unit; do
  case $unit in
    enable | start | restart | -* | redis-server) continue ;;
    *@*) unit=\${unit%@*}@.service ;;
    *.*) ;;
    *) unit=$unit.service ;;
  esac
  [ -f /etc/systemd/system/$unit ] || { echo "there is no unit $unit" >&2; exit 5; }
  for program in $(sed -n 's/^ExecStart[^=]*=\\(\\/usr\\/local[^ ]*\\).*/\\1/p' /etc/systemd/system/$unit); do
    [ -x "$program" ] || { echo "$unit: there is no $program" >&2; exit 203; }
  done
done
`

/** What is there before anybody installs anything. */
export interface Furniture {
  /** Which Consul listens at its default port: `consul agent -dev` (the default), `consul-locker dev`, or none. */
  readonly consul?: 'agent' | 'dev' | 'none'
  /** The executable is in /usr/local/bin. */
  readonly installed?: boolean
}

/** How each Consul is started, and what succeeds when it is ready. */
const CONSULS = {
  agent: ['consul agent -dev', 'consul operator raft list-peers'],
  dev: [`'${LOCKER}' dev`, `'${LOCKER}' wait --timeout 40s http://127.0.0.1:8500/v1/status/leader`],
  none: undefined,
} as const

/** Whether this user may have machines like that. */
export const mayHaveMachines = await execute('unshare', ['--mount', '--net', '--pid', '--fork', 'true']).then(
  () => process.getuid?.() === 0,
  () => false,
)

/**
 * A machine on which nothing is installed yet: namespaces with a network of its own, a Consul on its default port, a
 * name as the examples have them, and folders of the system whose changes end with it. What isn't there of curl and jq
 * is.
 */
export class FreshMachine {
  readonly #dir: string
  readonly #init: ChildProcess

  private constructor(dir: string, init: ChildProcess) {
    this.#dir = dir
    this.#init = init
  }

  static async start(furniture: Furniture = {}): Promise<FreshMachine> {
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-machine-'))
    const layers = WRITABLE.map((folder) => {
      const [upper, work] = [join(dir, folder, 'upper'), join(dir, folder, 'work')]
      return `mkdir -p ${upper} ${work}; mount -t overlay none -o lowerdir=/${folder},upperdir=${upper},workdir=${work} /${folder}`
    })
    const script = [
      `mount -t tmpfs none ${dir}`,
      ...layers,
      'mount -t tmpfs none /run',
      'hostname db1',
      'ip link set lo up; ip addr add 10.0.0.5/32 dev lo',
      'echo up; exec sleep infinity',
    ]
    const words = [
      '--mount',
      '--net',
      '--uts',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-ec',
      script.join('\n'),
    ]
    const ip = await program('ip', 'iproute2')
    const init = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'], env: ip.env })
    const machine = new FreshMachine(dir, init)
    try {
      await once(init.stdout as NonNullable<typeof init.stdout>, 'data')
      await machine.#furnish(furniture)
    } catch (thrown) {
      await machine.stop()
      throw thrown
    }
    return machine
  }

  async #furnish({ consul = 'agent', installed = false }: Furniture): Promise<void> {
    await this.write('/usr/local/sbin/systemctl', SYSTEMCTL)
    await this.#link('consul', { path: await findConsul(), env: {} })
    await this.has({ curl: 'curl', jq: 'jq' })
    const own = '/usr/local/bin/consul-locker'
    // As it is, and not 128 MB more of memory.
    if (installed && !(await this.#ends(`: >${own}; mount --bind '${LOCKER}' ${own}`))) throw new Error(`no ${own}`)
    const [start, ready] = CONSULS[consul] ?? []
    if (start === undefined || ready === undefined) return
    this.#spawn(`exec ${start}`, 'ignore')
    await patiently(
      () => this.#ends(ready),
      () => 'the machine has no Consul',
    )
  }

  /** Puts programs there that Debian's packages have, each with its package's name. */
  async has(packages: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, from] of Object.entries(packages)) await this.#link(name, await program(name, from))
  }

  async #link(name: string, { path, env }: Program): Promise<void> {
    if (PATH.split(':').includes(dirname(path))) return
    const libraries = env.LD_LIBRARY_PATH ? `LD_LIBRARY_PATH='${env.LD_LIBRARY_PATH}' ` : ''
    await this.write(`/usr/local/bin/${name}`, `#!/bin/sh\n${libraries}exec '${path}' "$@"\n`)
  }

  /** Puts a program there. */
  async write(path: string, script: string): Promise<void> {
    const text = `mkdir -p "$(dirname ${path})"; printf %s "$SCRIPT" >${path}; chmod 755 ${path}`
    if (!(await this.#ends(text, { SCRIPT: script }))) throw new Error(`${path} can't be written`)
  }

  async #ends(text: string, env?: NodeJS.ProcessEnv): Promise<boolean> {
    const [code] = await once(this.#spawn(text, 'ignore', PROJECT, env), 'exit')
    return code === 0
  }

  #spawn(text: string, stdio: 'ignore' | 'pipe', cwd = PROJECT, more: NodeJS.ProcessEnv = {}): ChildProcess {
    const { pid } = this.#init
    const enter = `read -r init </proc/${pid}/task/${pid}/children; exec nsenter -t "$init" -m -n -u -p sh -ec 'cd "$0"; eval "$1"' "$@"`
    const env = { PATH, HOME: '/root', LOGNAME: 'root', ...more }
    return spawn('sh', ['-c', enter, 'sh', cwd, text], { env, stdio: ['ignore', stdio, stdio] })
  }

  /**
   * Starts lines of shell, in this project’s folder or another one; the first that fails ends them, or the machine’s
   * end.
   */
  run(text: string, cwd?: string): Running {
    return new Running(this.#spawn(text, 'pipe', cwd))
  }

  /** Runs them to their end. */
  does(text: string, cwd?: string): Promise<Ended> {
    return this.run(text, cwd).ends()
  }

  async stop(): Promise<void> {
    const ended = once(this.#init, 'exit')
    this.#init.kill('SIGKILL')
    await ended
    removeFolder(this.#dir)
  }
}
