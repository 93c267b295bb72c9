import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startConsul } from '../../scripts/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { type Running, runLocker, startLocker } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

vi.setConfig({ testTimeout: 240_000 })

/** On a busy machine twelve hosts take their time. */
const PATIENCE_MS = 100_000
/** How often a host makes a step; a minute would be too long to wait for. */
const CRON_MS = 1000

const HOSTS = ['db1', 'db2', ...Array.from({ length: 8 }, (_, n) => `web${n + 1}`), 'cp1', 'cp2']

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
sleep 0.2
echo "$CONSUL_LOCKER_ROLLOUT_VERSION" >"$DIR/installed-$host"
`

const TEST = `#!/bin/sh
[ "$(cat "$DIR/installed-$CONSUL_LOCKER_ROLLOUT_HOST")" = "$CONSUL_LOCKER_ROLLOUT_VERSION" ] || exit 3
[ ! -e "$DIR/broken-$CONSUL_LOCKER_ROLLOUT_HOST" ] || { echo "the disk is full"; exit 1; }
`

/** Twelve hosts on one machine, each with its own files; every one makes step after step, as cron would have it. */
class Fleet {
  readonly dir = scratch()
  readonly consul: ConsulClient
  readonly endings: string[] = []
  readonly #steps = new Map<string, Running>()
  #isOver = false

  constructor(address: string) {
    this.consul = new ConsulClient(address)
    for (const name of ['inside', 'tests']) mkdirSync(join(this.dir, name))
    writeFileSync(join(this.dir, 'witness'), '')
    writeFileSync(join(this.dir, 'upgrade'), UPGRADE, { mode: 0o755 })
    writeFileSync(join(this.dir, 'tests/installed'), TEST, { mode: 0o755 })
    for (const host of HOSTS) {
      mkdirSync(join(this.dir, host))
      writeFileSync(join(this.dir, host, 'rollout.yaml'), this.#file(host))
    }
  }

  #file(host: string): string {
    return `
host: ${host}
version_file: ${this.dir}/${host}/current_version
limits: {cluster: 2, roles: {db: 1}}
depends_on: {web: db, db: [cp]}
upgrade: [[${this.dir}/upgrade]]
validate: ${this.dir}/tests
timeouts: {slot: 3s}
checks: {upgrade: upgrade-${host}, validation: validation-${host}}
`
  }

  async runs(version: string): Promise<void> {
    for (const host of HOSTS) {
      writeFileSync(join(this.dir, host, 'current_version'), version)
      writeFileSync(join(this.dir, `installed-${host}`), version)
      await this.consul.request('PUT', `/kv/running_version/${version}/${host}`, '1')
    }
  }

  start(): void {
    const hosts = HOSTS.map((host) => this.#drive(host))
    onTestFinished(async () => {
      this.#isOver = true
      await Promise.allSettled(hosts)
    })
  }

  async #drive(host: string): Promise<void> {
    while (!this.#isOver) {
      const step = startLocker(['rollout', 'step', '--json', '-f', join(this.dir, host, 'rollout.yaml')], {
        address: this.consul.address,
        env: { DIR: this.dir },
      })
      this.#steps.set(host, step)
      await once(step.child, 'close')
      const { exitCode, signalCode } = step.child
      this.endings.push(`${host} ${exitCode ?? signalCode} ${step.stdout.trim()} ${exitCode === 0 ? '' : step.stderr}`)
      await pause(CRON_MS)
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

  lastEnding(host: string): string {
    return this.endings.findLast((ending) => ending.startsWith(`${host} `)) ?? ''
  }

  async until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
    await vi.waitUntil(look, { timeout: PATIENCE_MS, interval: 50 }).catch((thrown: unknown) => {
      const told = `${JSON.stringify(this.witnessed)}\n${this.endings.slice(-40).join('\n')}`
      throw new Error(`never: ${what}\n${told}`, { cause: thrown })
    })
  }
}

test('twelve hosts: never more than two at once, two killed midway, one that fails stops all until it is mended', async () => {
  const agent = await startConsul({ mode: 'dev' })
  onTestFinished(() => agent.stop())
  const fleet = new Fleet(agent.address)
  await fleet.runs('V1')
  for (const host of ['cp1', 'cp2']) fleet.mark(`hang-${host}`, true)
  fleet.mark('broken-db2', true)
  await runLocker(['rollout', 'trigger', 'V2'], { address: agent.address })
  fleet.start()

  for (const host of ['cp1', 'cp2']) {
    await fleet.until(`${host} begins`, () => fleet.begun(host) === 1)
    expect(fleet.isAt(host, 'V2')).toBe(false)
    fleet.mark(`hang-${host}`, false)
    fleet.kill(host)
    await fleet.until(`${host} begins again`, () => fleet.begun(host) === 2)
  }

  const failed = () => fleet.consul.entry('consul-locker-rollout/failed/db2')
  await fleet.until('db2 fails', async () => (await failed()) !== undefined)
  const stopped = HOSTS.filter((host) => host.startsWith('web'))
  const sentence = 'the rollout of V2 has stopped: db2 failed (installed failed with 1: the disk is full)'
  await fleet.until('all others stop', () => stopped.every((host) => fleet.lastEnding(host).includes(sentence)))
  const failures = await runLocker(['rollout', 'failures', '--hosts'], { address: agent.address })
  expect(failures).toMatchObject({ code: 1, stdout: expect.stringContaining('Node: db2, Rollout of V2: installed') })
  const tries = fleet.begun('db2')
  await fleet.until('db2 tries again', () => fleet.begun('db2') > tries)
  expect(fleet.witnessed.filter(({ host }) => stopped.includes(host))).toEqual([])

  fleet.mark('broken-db2', false)
  await fleet.until('all run V2', () => HOSTS.every((host) => fleet.isAt(host, 'V2')))
  await fleet.until('it is recorded', async () => {
    const single = await runLocker(['rollout', 'check-single', 'V2'], { address: agent.address })
    return single.code === 0
  })
  const input = Buffer.from(HOSTS.join('\n'))
  expect(await runLocker(['rollout', 'verify', 'V2'], { address: agent.address, input })).toMatchObject({ code: 0 })
  expect(await runLocker(['rollout', 'failures'], { address: agent.address })).toMatchObject({ code: 0 })
  const counts = fleet.witnessed.map(({ count }) => count)
  expect(Math.max(...counts)).toBe(2)
  expect(fleet.witnessed.every(({ host, count }) => Number.isInteger(count) && HOSTS.includes(host))).toBe(true)
  const order = fleet.witnessed.map(({ host }) => host.replace(/\d/, ''))
  expect(order.lastIndexOf('cp')).toBeLessThan(order.indexOf('db'))
  expect(order.lastIndexOf('db')).toBeLessThan(order.indexOf('web'))
})
