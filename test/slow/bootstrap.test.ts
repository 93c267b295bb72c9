import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { type Ended, LOCKER, lockerEnvironment, patiently, Running } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { removeFolder } from '../kit/remove-folder.ts'

vi.setConfig({ testTimeout: 120_000 })

const execute = promisify(execFile)
const boot = join(import.meta.dirname, '../../examples/bootstrap/boot')

type MachineName = 'db1' | 'db2' | 'schema1' | 'schema2' | 'web1' | 'web2' | 'ready'

/** Machines with a role each, on one agent. Daemons that they leave behind end with the test. */
class Site {
  readonly dir = mkdtempSync(join(tmpdir(), 'consul-locker-bootstrap-'))
  readonly ports: Readonly<Record<string, number>>
  readonly #address: string
  readonly #env: NodeJS.ProcessEnv

  private constructor(address: string, env: NodeJS.ProcessEnv, ports: Record<string, number>) {
    this.#address = address
    this.#env = env
    this.ports = ports
    symlinkSync(LOCKER, join(this.dir, 'consul-locker'))
  }

  static async open(): Promise<Site> {
    const agent = await startConsul()
    const { http, dns, serf_lan, serf_wan } = await freePorts()
    const site = new Site(agent.address, await environment(), { db1: http, db2: dns, web1: serf_lan, web2: serf_wan })
    onTestFinished(async () => {
      await site.#end()
      await agent.stop()
      removeFolder(site.dir)
    })
    return site
  }

  /** Boots a machine: its role is its name without the number. */
  boot(name: MachineName, more: NodeJS.ProcessEnv = {}): Running {
    const env = {
      ...this.#env,
      PATH: `${this.dir}:${this.#env.PATH}`,
      DIR: join(this.dir, name),
      PORT: String(this.ports[name] ?? 0),
      TIMEOUT: '60s',
      SETTLE: '0.3s',
      ...more,
    }
    const options = { stdio: 'pipe', env: lockerEnvironment({ address: this.#address, env }) } as const
    return new Running(spawn(boot, [name.replace(/\d$/, '')], options))
  }

  async redis(name: MachineName, ...words: string[]): Promise<string> {
    const { stdout } = await execute('redis-cli', ['-p', String(this.ports[name]), ...words], { env: this.#env })
    return stdout.trim()
  }

  async page(name: MachineName): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.ports[name]}/`)).text()
  }

  pid(name: MachineName): number {
    const file = join(this.dir, name, 'pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  }

  get running(): MachineName[] {
    return (Object.keys(this.ports) as MachineName[]).filter((name) => this.pid(name) > 0 && runs(this.pid(name)))
  }

  async #end(): Promise<void> {
    for (const name of this.running) process.kill(this.pid(name), 'SIGTERM')
    await patiently(
      () => this.running.length === 0,
      () => `these still run: ${this.running}`,
    )
  }
}

async function environment(): Promise<NodeJS.ProcessEnv> {
  const packages = {
    'redis-server': 'redis-server',
    'redis-cli': 'redis-tools',
    nginx: 'nginx',
    curl: 'curl',
    jq: 'jq',
  }
  const found = await Promise.all(Object.entries(packages).map(([name, from]) => program(name, from)))
  const joined = (name: string) => [...new Set(found.flatMap((one) => one.env[name]?.split(':') ?? []))].join(':')
  const libraries = joined('LD_LIBRARY_PATH')
  return { PATH: joined('PATH'), ...(libraries && { LD_LIBRARY_PATH: libraries }) }
}

const codes = (ends: Ended[]) => ends.map(({ code }) => code)
const allSaid = (ends: Ended[]) => ends.map(({ stderr }) => stderr).join('')

/** One primary with one replica, the schema made once, and the same page everywhere. */
async function hasConverged(site: Site): Promise<void> {
  const roles = await Promise.all([site.redis('db1', 'role'), site.redis('db2', 'role')])
  expect(roles.map((role) => role.split('\n')[0]).sort()).toEqual(['master', 'slave'])
  const greeting = await site.redis('db1', 'get', 'greeting')
  expect(greeting).toMatch(/^made by .*, fence \d+$/)
  expect(await site.page('web1')).toBe(`${greeting}\n`)
  expect(await site.page('web2')).toBe(`${greeting}\n`)
  expect(site.running).toEqual(['db1', 'db2', 'web1', 'web2'])
}

describe('a bootstrap converges', () => {
  test.for<[string, MachineName[]]>([
    ['each after those that it needs', ['db1', 'db2', 'schema1', 'schema2', 'web1', 'web2', 'ready']],
    ['each before those that it needs', ['ready', 'web2', 'web1', 'schema2', 'schema1', 'db2', 'db1']],
  ])('when machines come up %s', async ([, order]) => {
    const site = await Site.open()
    const machines: Running[] = []
    for (const name of order) {
      const machine = site.boot(name)
      machines.push(machine)
      // The next one comes when this one is up, or waits.
      await patiently(
        () => machine.hasEnded || / waiting for /.test(machine.stderr),
        () => `${name} neither ends nor waits: ${machine.stderr}`,
      )
    }
    const ends = await Promise.all(machines.map((machine) => machine.ends()))
    expect(codes(ends), allSaid(ends)).toEqual(order.map(() => 0))
    expect(allSaid(ends).match(/schema: .* has version 1/g)).toHaveLength(1)
    await hasConverged(site)
  })

  test('when all come up at once, and changes nothing when they boot again', async () => {
    const site = await Site.open()
    const all: MachineName[] = ['db1', 'db2', 'schema1', 'schema2', 'web1', 'web2', 'ready']
    const round = () => Promise.all(all.map((name) => site.boot(name).ends()))
    const first = await round()
    expect(codes(first), allSaid(first)).toEqual(all.map(() => 0))
    await hasConverged(site)
    const before = { pids: site.running.map((name) => site.pid(name)), page: await site.page('web1') }
    const second = await round()
    expect(codes(second), allSaid(second)).toEqual(all.map(() => 0))
    await hasConverged(site)
    expect({ pids: site.running.map((name) => site.pid(name)), page: await site.page('web1') }).toEqual(before)
  })

  test('when a machine loses its power on the way, and boots again', async () => {
    const site = await Site.open()
    const others = (['ready', 'schema1', 'schema2', 'web1', 'web2'] as const).map((name) => site.boot(name))
    const victim = site.boot('db1')
    await victim.says(/is the primary/)
    victim.kill('SIGKILL')
    await victim.ends()
    const again = [site.boot('db2'), site.boot('db1')]
    const ends = await Promise.all([...others, ...again].map((machine) => machine.ends()))
    expect(codes(ends), allSaid(ends)).toEqual(ends.map(() => 0))
    await hasConverged(site)
  })
})

describe('a dependency that never comes', () => {
  test('ends in a sentence that names it, exit code 1, and nothing that was started', async () => {
    const site = await Site.open()
    const names: MachineName[] = ['schema1', 'web1', 'ready']
    const ends = await Promise.all(names.map((name) => site.boot(name, { TIMEOUT: '2s' }).ends()))
    expect(codes(ends)).toEqual([1, 1, 1])
    const [schema, web, ready] = ends.map(({ stderr }) => stderr.trimEnd().split('\n').at(-1))
    expect(schema).toBe('consul-locker: bootstrap/schema is not ready: service:primary.db (none is registered)')
    const gaveUp = 'consul-locker: error: gave up after 2s:'
    expect(web).toBe(`${gaveUp} service:db (none is registered), kv:bootstrap/schema (there is no such key)`)
    expect(ready).toMatch(/service:primary\.db \(none is registered\), service:db=2 .*, service:web=2 /)
    expect(site.running).toEqual([])
    expect(existsSync(join(site.dir, 'web1'))).toBe(false)
  })

  test('is told apart from one that is not enough: a database without its schema', async () => {
    const site = await Site.open()
    expect(await site.boot('db1').ends()).toMatchObject({ code: 0 })
    const { code, stderr } = await site.boot('web1', { TIMEOUT: '1s' }).ends()
    expect(code).toBe(1)
    expect(stderr.trimEnd()).toMatch(/gave up after 1s: kv:bootstrap\/schema \(there is no such key\)$/)
  })
})
