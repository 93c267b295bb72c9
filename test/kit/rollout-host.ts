import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from './consul-client.ts'
import { type Ended, patiently, type Running, startLocker } from './locker.ts'
import { runs } from './processes.ts'
import { scratch, uniqueName } from './unique.ts'

export let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev', node: 'web1' })
})

afterAll(() => agent?.stop())

/** One host of one fleet, at V1, with V2 triggered; what its commands do is written down in a file. */
export class Host {
  readonly dir = scratch()
  readonly prefix = uniqueName('fleet')
  readonly consul = new ConsulClient(agent.address)
  readonly file = join(this.dir, 'rollout.yaml')
  readonly #own: string

  constructor(more = '', upgrade = '[echo upgrade >>"$DIR/done"]') {
    this.#own = `
host: web1
prefix: ${this.prefix}
version_file: ${this.dir}/current_version
validate: ${this.dir}/tests
checks: {upgrade: upgrade-${this.prefix}, validation: validation-${this.prefix}}
`
    mkdirSync(join(this.dir, 'tests'))
    this.test('smoke', 'echo validate >>"$DIR/done"; [ ! -e "$DIR/broken" ] || { echo it is broken; exit 1; }')
    writeFileSync(join(this.dir, 'done'), '')
    this.configure(`upgrade: ${upgrade}\n${more}`)
  }

  static async at(version: string, target: string, more?: string, upgrade?: string): Promise<Host> {
    const host = new Host(more, upgrade)
    if (version !== '') {
      writeFileSync(join(host.dir, 'current_version'), version)
      await host.put(`running_version/${version}/web1`, '1')
    }
    await host.put('current_version', target)
    return host
  }

  configure(more: string): void {
    writeFileSync(this.file, this.#own + more)
  }

  callItself(name: string): void {
    writeFileSync(this.file, readFileSync(this.file, 'utf8').replace('host: web1', `host: ${name}`))
  }

  test(name: string, script: string): void {
    writeFileSync(join(this.dir, 'tests', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  start(): Running {
    return startLocker(['rollout', 'step', '-f', this.file], { address: agent.address, env: { DIR: this.dir } })
  }

  step(): Promise<Ended> {
    return this.start().ends()
  }

  mark(name: string): void {
    writeFileSync(join(this.dir, name), '')
  }

  unmark(name: string): void {
    rmSync(join(this.dir, name))
  }

  read(name: string): string | undefined {
    const file = join(this.dir, name)
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  }

  /** What its commands did since this was asked for the last time. */
  done(): string {
    const done = this.read('done') ?? ''
    writeFileSync(join(this.dir, 'done'), '')
    return done.replaceAll('\n', ' ')
  }

  put(key: string, value: string): Promise<unknown> {
    return this.consul.request('PUT', `/kv/${this.prefix}/${key}`, value)
  }

  /** Has another node of the fleet fail a check, until it is deregistered. */
  async otherNodeFails(Node: string): Promise<void> {
    const check = { Node, CheckID: 'http', Name: 'http', Status: 'critical' }
    const body = JSON.stringify({ Node, Address: '127.0.0.1', Check: check })
    await this.consul.request('PUT', '/catalog/register', body)
  }

  async keys(folder: string): Promise<string[]> {
    const response = await this.consul.request('GET', `/kv/${this.prefix}/${folder}?keys`)
    const keys = response.status === 404 ? [] : ((await response.json()) as string[])
    return keys.map((key) => key.slice(this.prefix.length + 1))
  }

  async slots(): Promise<string[]> {
    return this.keys('consul-locker-rollout/slots/')
  }

  /** Has the record of its upgrade come from a start of the machine that is over. */
  async bootsAnew(): Promise<void> {
    const key = 'consul-locker-rollout/in-progress/web1'
    const record = JSON.parse(await this.consul.value(`${this.prefix}/${key}`)) as object
    await this.put(key, JSON.stringify({ ...record, boot: 'an older one' }))
  }

  async check(kind: 'upgrade' | 'validation'): Promise<string> {
    const checks = (await (await this.consul.request('GET', '/agent/checks')).json()) as Record<
      string,
      { Status: string; Output: string }
    >
    const check = checks[`${kind}-${this.prefix}`]
    return check ? `${check.Status}: ${check.Output}` : 'none'
  }

  /** Waits until a command has written its process id. */
  async pid(): Promise<number> {
    await patiently(
      () => this.read('pid'),
      () => 'no command has begun',
    )
    return Number(this.read('pid'))
  }

  gone(pid: number): Promise<unknown> {
    return patiently(
      () => !runs(pid),
      () => `the command ${pid} lives on`,
    )
  }

  freed(): Promise<unknown> {
    return patiently(
      async () => (await this.slots()).length === 0,
      () => 'the slots are still held',
    )
  }
}

/** What stands at Consul when an upgrade has failed. */
export const FAILED = ['failed', 'in-progress'].map((what) => `consul-locker-rollout/${what}/web1`)

/** Runs until it is ended. */
export const HANGS = `[echo $$ >"$DIR/pid"; sleep 60]`
