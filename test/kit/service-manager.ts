import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { execute } from '../../scripts/provide/execute.ts'
import { asOrdinaryUser } from '../../scripts/provide/ordinary-user.ts'
import { type Ended, patiently, Running } from './locker.ts'
import { scratch, uniqueName } from './unique.ts'

const MANAGER = '/lib/systemd/systemd'

/** Where systemd keeps its cgroups, by the machine's kind of hierarchy. */
const HIERARCHIES = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'].filter((dir) =>
  existsSync(join(dir, 'cgroup.procs')),
)

// Its /run is its own, and says that the machine was booted with systemd; its cgroup is, too.
const BOOT = `mount -t tmpfs none /run; mkdir -p /run/systemd/system
for cgroup in $CGROUPS; do echo 0 >$cgroup/cgroup.procs; done
"$@" & echo started; wait`

/** Whether this machine lets us have a manager: root may have namespaces and cgroups, and systemd is installed. */
export const mayHaveManager = await execute('unshare', ['--mount', '--pid', '--fork', 'true']).then(
  () => process.getuid?.() === 0 && existsSync(MANAGER) && HIERARCHIES.length > 0,
  () => false,
)

/** A real systemd that manages an ordinary user's services, as a login has one. It lives as long as the test. */
export class ServiceManager {
  /** Its units are read from here. */
  readonly units = scratch()
  readonly #home = scratch()
  readonly #cgroups: readonly string[]
  #init: ChildProcess | undefined
  #user: readonly string[] = []

  private constructor() {
    const name = uniqueName('consul-locker-test')
    this.#cgroups = HIERARCHIES.map((dir) => join(dir, name))
  }

  static async start(): Promise<ServiceManager> {
    const manager = new ServiceManager()
    onTestFinished(() => manager.#stop())
    await manager.#boot()
    return manager
  }

  async #boot(): Promise<void> {
    const { words, uid, gid } = await asOrdinaryUser()
    this.#user = words
    for (const target of ['default', 'basic']) {
      writeFileSync(join(this.units, `${target}.target`), `[Unit]\nDescription=the ${target} target\n`)
    }
    for (const cgroup of this.#cgroups) {
      mkdirSync(cgroup)
      for (const path of [cgroup, join(cgroup, 'cgroup.procs')]) chownSync(path, uid, gid)
    }
    for (const dir of [this.units, this.#home]) chownSync(dir, uid, gid)
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const inside = [...this.#user, ...this.#environment(), MANAGER, '--user']
    const init = spawn('unshare', [...namespaces, 'sh', '-ec', BOOT, 'sh', ...inside], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, CGROUPS: this.#cgroups.join(' ') },
    })
    this.#init = init
    await once(init.stdout as NonNullable<typeof init.stdout>, 'data')
    const isUp = async () => (await this.systemctl('is-active', 'default.target')).code === 0
    await patiently(isUp, () => 'the service manager does not come up')
  }

  #environment(): string[] {
    const { units } = this
    const home = this.#home
    return ['env', '-i', 'PATH=/usr/bin:/bin', `HOME=${home}`, `XDG_RUNTIME_DIR=${home}`, `SYSTEMD_UNIT_PATH=${units}`]
  }

  /** Asks it something, or tells it. */
  systemctl(...words: string[]): Promise<Ended> {
    const pid = this.#init?.pid
    const enter = `read -r init </proc/${pid}/task/${pid}/children; exec nsenter -t "$init" -m -p "$@"`
    const inside = [...this.#user, ...this.#environment(), 'systemctl', '--user', '--no-pager', ...words]
    return new Running(spawn('sh', ['-c', enter, 'sh', ...inside], { cwd: '/' })).ends()
  }

  /** What it says of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.systemctl('show', '--value', '--property', property, unit)).stdout.trim()
  }

  /** Waits until a unit's property matches. */
  async shows(unit: string, property: string, pattern: RegExp): Promise<string> {
    let last = ''
    const look = async () => {
      last = await this.show(unit, property)
      return pattern.test(last)
    }
    await patiently(look, () => `${unit} has the ${property} ${JSON.stringify(last)}`)
    return last
  }

  /** Sends a signal to the main process of a unit. */
  async kill(unit: string, signal: string): Promise<void> {
    await this.systemctl('kill', '--kill-whom', 'main', '--signal', signal, unit)
  }

  async #stop(): Promise<void> {
    if (this.#init) {
      const ended = once(this.#init, 'exit')
      this.#init.kill('SIGKILL')
      await ended
    }
    for (const cgroup of this.#cgroups) await removed(cgroup)
  }
}

/** A cgroup can be removed once the last of its processes is gone. */
async function removed(cgroup: string): Promise<void> {
  const entries = await readdir(cgroup, { withFileTypes: true })
  for (const entry of entries.filter((one) => one.isDirectory())) await removed(join(cgroup, entry.name))
  await patiently(
    () => {
      try {
        rmdirSync(cgroup)
        return true
      } catch {
        return false
      }
    },
    () => `still in ${cgroup}: ${readFileSync(join(cgroup, 'cgroup.procs'), 'utf8')}`,
  )
}
