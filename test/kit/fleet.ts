import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { vi } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { afterTest } from './after-test.ts'
import { ConsulClient } from './consul-client.ts'
import { type Ended, patiently, type Running, runLocker, startLocker } from './locker.ts'
import { kill, processesWith } from './processes.ts'
import { scratch } from './unique.ts'

/** On a busy machine twelve hosts take their time. */
const PATIENCE_MS = 100_000
/** A minute would be too long to wait for. */
const CRON_MS = 1000

/**
 * Sees who is inside with locks of the kernel's, which end with the processes that hold them. Whoever comes in counts
 * all that are inside, itself included.
 */
const UPGRADE = `#!/bin/sh
host=$CONSUL_LOCKER_ROLLOUT_HOST
exec 9>"$DIR/inside/$host"
flock -w 5 9 || echo "$host twice" >>"$DIR/witness"
count=0
for file in "$DIR"/inside/*; do flock -n -s "$file" true || count=$((count + 1)); done
echo "$host $CONSUL_LOCKER_ROLLOUT_VERSION $count" >>"$DIR/witness"
[ ! -e "$DIR/hang-$host" ] || sleep 200
[ ! -e "$DIR/lethal-$CONSUL_LOCKER_ROLLOUT_VERSION" ] || { echo "$host" >>"$DIR/dying"; sleep 200; }
sleep 0.6
echo "$CONSUL_LOCKER_ROLLOUT_VERSION" >"$DIR/installed-$host"
`

const TEST = `#!/bin/sh
[ "$(cat "$DIR/installed-$CONSUL_LOCKER_ROLLOUT_HOST")" = "$CONSUL_LOCKER_ROLLOUT_VERSION" ] || exit 3
[ ! -e "$DIR/broken-$CONSUL_LOCKER_ROLLOUT_HOST" ] || { echo "the disk is full"; exit 1; }
`

/** A command that sees this file in place of the machine's boot id. */
const BOOTED = ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'] as const

/** Who is in a fleet, and what each host's file says beside where its things are. */
export interface FleetOptions {
  readonly hosts: readonly string[]
  readonly file: string
  /** The agent of a host; the fleet's own by default. */
  readonly agentOf?: (host: string) => string
  /** Hosts go down when their steps reboot them, and come back when all others have made two more steps. */
  readonly reboots?: boolean
  /** What else a reboot of a host does, while it is down. */
  readonly whileDown?: (host: string) => Promise<void>
  /** How long anything is waited for, in milliseconds. */
  readonly patienceMs?: number
  /** How often a host makes a step, in milliseconds. */
  readonly cronMs?: number
}

/** Hosts on one machine, each with its own files; every one makes step after step, as cron would have it. */
export class Fleet {
  readonly dir = scratch()
  readonly consul: ConsulClient
  readonly endings: string[] = []
  readonly #steps = new Map<string, Running>()
  readonly #dead = new Set<string>()
  readonly #down = new Set<string>()
  /** The most that were down at once. */
  mostDown = 0
  readonly #options: FleetOptions
  #isOver = false

  /** A fleet with a Consul of its own, until the test is over. */
  static async open(options: FleetOptions): Promise<Fleet> {
    const agent = await startConsul({ mode: 'dev' })
    afterTest(() => agent.stop())
    return new Fleet(agent.address, options)
  }

  constructor(address: string, options: FleetOptions) {
    this.#options = options
    this.consul = new ConsulClient(address)
    for (const name of ['inside', 'tests']) mkdirSync(join(this.dir, name))
    writeFileSync(join(this.dir, 'witness'), '')
    writeFileSync(join(this.dir, 'upgrade'), UPGRADE, { mode: 0o755 })
    writeFileSync(join(this.dir, 'tests/installed'), TEST, { mode: 0o755 })
    for (const host of this.hosts) {
      mkdirSync(join(this.dir, host))
      this.boot(host)
    }
    this.configure(options.file)
  }

  /** Has all hosts' files say something else from their next step on. */
  configure(file: string): void {
    for (const host of this.hosts) writeFileSync(this.fileOf(host), this.#file(host, file))
  }

  fileOf(host: string): string {
    return join(this.dir, host, 'rollout.yaml')
  }

  #file(host: string, more: string): string {
    return `
host: ${host}
version_file: ${this.dir}/${host}/current_version
upgrade: [[${this.dir}/upgrade]]
validate: ${this.dir}/tests
checks: {upgrade: upgrade-${host}, validation: validation-${host}}
${more}
`
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_MS
  }

  get hosts(): readonly string[] {
    return this.#options.hosts
  }

  /** `rollout …`, to its end. */
  ask(...words: string[]): Promise<Ended> {
    return runLocker(['rollout', ...words], { address: this.consul.address })
  }

  async runs(version: string): Promise<void> {
    for (const host of this.hosts) {
      writeFileSync(join(this.dir, host, 'current_version'), version)
      writeFileSync(join(this.dir, `installed-${host}`), version)
      await this.consul.request('PUT', `/kv/running_version/${version}/${host}`, '1')
    }
  }

  start(): void {
    const hosts = this.hosts.map((host) => this.#drive(host))
    afterTest(async () => {
      this.#isOver = true
      await Promise.allSettled(hosts)
    })
  }

  async #drive(host: string): Promise<void> {
    const { agentOf, cronMs = CRON_MS } = this.#options
    const address = agentOf?.(host) ?? this.consul.address
    while (!this.#isOver) {
      if (this.#dead.has(host)) {
        await pause(cronMs)
        continue
      }
      const step = startLocker(['rollout', 'step', '--json', '-f', this.fileOf(host)], {
        address,
        env: { DIR: this.dir, MACHINE: this.#machine(host) },
        ...(this.#options.reboots ? { through: [...BOOTED, join(this.dir, host, 'boot')] } : {}),
      })
      this.#steps.set(host, step)
      await once(step.child, 'close')
      if (step.stdout.includes('"kind":"rebooting"')) await this.#reboot(host)
      const { exitCode, signalCode } = step.child
      this.endings.push(`${host} ${exitCode ?? signalCode} ${step.stdout.trim()} ${exitCode === 0 ? '' : step.stderr}`)
      await pause(cronMs)
    }
  }

  async #reboot(host: string): Promise<void> {
    this.#down.add(host)
    this.mostDown = Math.max(this.mostDown, this.#down.size)
    const from = this.endings.length
    const has = (other: string) => this.endings.slice(from).filter((one) => one.startsWith(`${other} `)).length >= 2
    const others = this.hosts.filter((other) => !this.#down.has(other) && !this.#dead.has(other))
    await this.#options.whileDown?.(host)
    await vi.waitUntil(() => this.#isOver || others.every(has), { timeout: this.#patienceMs, interval: 50 })
    if (existsSync(join(this.dir, `lost-${host}`))) this.#dead.add(host)
    this.boot(host)
    this.#down.delete(host)
  }

  /** Starts a host anew, as far as it can see. */
  boot(host: string): void {
    writeFileSync(join(this.dir, host, 'boot'), randomUUID())
  }

  #machine(host: string): string {
    return `${this.dir}/${host}/machine`
  }

  /** Ends all that runs on a host at once, as the loss of its power would; no step begins until it is switched on. */
  async powerOff(host: string): Promise<void> {
    this.#dead.add(host)
    const own = () => processesWith(this.#machine(host))
    await patiently(
      () => {
        for (const pid of own()) kill(pid)
        return own().length === 0
      },
      () => `something of ${host} lives on`,
    )
  }

  /**
   * Has all hosts run V1, and triggers a V2 that kills its machine. `whileDead` is what else happens to the one that
   * dies. Resolves when all others have stopped for it, with the words in which they say so.
   */
  async meetsLethalVersion(whileDead: (dead: string) => unknown) {
    await this.runs('V1')
    this.mark('lethal-V2', true)
    await this.ask('trigger', 'V2')
    this.start()
    await this.until('one begins', () => this.dying.length === 1)
    const [dead = ''] = this.dying
    await this.powerOff(dead)
    await whileDead(dead)
    const others = this.hosts.filter((host) => host !== dead)
    const stopped = `the rollout of V2 has stopped: ${dead} failed (its upgrade began`
    await this.until('all others stop', () => others.every((host) => this.lastEnding(host).includes(stopped)))
    return { dead, others, stopped }
  }

  powerOn(host: string): void {
    this.#dead.delete(host)
  }

  /**
   * Has Consul take the slots of a dead host for free, as it does when the session has expired and the delay is over.
   */
  async expire(host: string): Promise<void> {
    const response = await this.consul.request('GET', '/kv/consul-locker-rollout/slots/?recurse')
    const slots = (await response.json()) as { Key: string; Session?: string; Value: string }[]
    for (const { Key, Session, Value } of slots) {
      const holder = JSON.parse(Buffer.from(Value, 'base64').toString()) as { host?: string }
      if (Session !== undefined && holder.host === host) await this.consul.release(Key, Session)
    }
  }

  /** Kills the step of a host, not what it runs. */
  kill(host: string): void {
    this.#steps.get(host)?.kill('SIGKILL')
  }

  /** Makes something so, or not so, by a file. */
  mark(name: string, isSo: boolean): void {
    if (isSo) writeFileSync(join(this.dir, name), '')
    else rmSync(join(this.dir, name))
  }

  /** What the witness saw: a host that began, and how many were inside then. */
  get witnessed(): { host: string; version: string; count: number }[] {
    const lines = readFileSync(join(this.dir, 'witness'), 'utf8').trim().split('\n')
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [host = '', version = '', count = ''] = line.split(' ')
        return { host, version, count: Number(count) }
      })
  }

  begun(host: string): number {
    return this.witnessed.filter((one) => one.host === host).length
  }

  isAt(host: string, version: string): boolean {
    const file = join(this.dir, host, 'current_version')
    return existsSync(file) && readFileSync(file, 'utf8').trim() === version
  }

  /** The hosts that are about to die of what they install. */
  get dying(): string[] {
    const file = join(this.dir, 'dying')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  lastEnding(host: string): string {
    return this.endings.findLast((ending) => ending.startsWith(`${host} `)) ?? ''
  }

  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    await vi.waitUntil(look, { timeout: this.#patienceMs, interval: 50 }).catch((thrown: unknown) => {
      const told = `${JSON.stringify(this.witnessed)}\n${this.endings.slice(-40).join('\n')}`
      throw new Error(`never: ${what}\n${told}`, { cause: thrown })
    })
  }
}
