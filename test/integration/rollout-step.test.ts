import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { type Ended, patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev', node: 'web1' })
})

afterAll(() => agent?.stop())

/** One host of one fleet, at V1, with V2 triggered; what its commands do is written down in a file. */
class Host {
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
const FAILED = ['failed', 'in-progress'].map((what) => `consul-locker-rollout/${what}/web1`)

/** Runs until it is ended. */
const HANGS = `[echo $$ >"$DIR/pid"; sleep 60]`

describe('a step', () => {
  test('upgrades, validates, and only then records the version, on the disk and at Consul', async () => {
    const host = await Host.at('V1', 'V2')
    host.test('recorded', 'cat "$DIR/current_version" >>"$DIR/done"')
    const { code, stderr } = await host.step()
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('upgrading web1 from V1 to V2') })
    expect(host.done()).toBe('upgrade V1validate')
    expect(host.read('current_version')).toBe('V2')
    expect(await host.keys('')).toEqual(['current_version', 'running_version/V2/web1'])
    expect(Number(await host.consul.value(`${host.prefix}/running_version/V2/web1`))).toBeGreaterThan(1_700_000_000)
    expect(await host.check('upgrade')).toBe('passing: upgraded to V2')
    expect(await host.check('validation')).toBe('passing: V2: 2 tests passed')
    expect(await host.consul.sessions('rollout web1')).toEqual([])
  })

  test('tells of itself by the original’s checks', async () => {
    const host = await Host.at('', 'V1')
    writeFileSync(host.file, readFileSync(host.file, 'utf8').replace(/^checks:.*$/m, ''))
    expect(await host.step()).toMatchObject({ code: 0 })
    const checks = (await (await host.consul.request('GET', '/agent/checks')).json()) as Record<string, object>
    const ServiceName = 'consul-locker-rollout'
    expect(checks).toMatchObject({
      puppet: { Status: 'passing', ServiceName },
      validation: { Type: 'ttl', ServiceName },
    })
    await host.consul.request('PUT', '/agent/service/deregister/consul-locker-rollout')
  })

  test('takes no service out when it fails, unless its checks shall be the node’s', async () => {
    const host = await Host.at('V1', 'V1')
    host.mark('broken')
    await host.consul.request('PUT', '/agent/service/register', '{"Name": "app"}')
    onTestFinished(() => host.consul.request('PUT', '/agent/service/deregister/app').then(() => {}))
    const healthy = async () => {
      const response = await host.consul.request('GET', '/health/service/app?passing')
      return ((await response.json()) as unknown[]).length
    }
    const fails = async () => {
      expect(await host.step()).toMatchObject({ code: 1 })
      const isKnown = async () => (await host.consul.request('GET', '/health/state/warning')).text()
      await patiently(
        async () => (await isKnown()).includes(`validation-${host.prefix}`),
        () => 'nobody knows',
      )
    }
    await fails()
    expect(await healthy()).toBe(1)
    writeFileSync(host.file, readFileSync(host.file, 'utf8').replace('checks: {', 'checks: {on: node, '))
    for (const kind of ['upgrade', 'validation']) {
      await host.consul.request('PUT', `/agent/check/deregister/${kind}-${host.prefix}`)
    }
    await fails()
    expect(await healthy()).toBe(0)
    await host.consul.request('PUT', `/agent/check/deregister/validation-${host.prefix}`)
  })

  test('upgrades a host that has no version yet, and does nothing while none was triggered', async () => {
    const host = new Host()
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no version was triggered yet'),
    })
    expect(host.done()).toBe('')
    await host.put('current_version', 'V1')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.read('current_version')).toBe('V1')
  })

  test('only validates when the host runs the version, and needs no slot for that', async () => {
    const host = await Host.at('V2', 'V2', 'limits: {cluster: 0}')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('validate')
    expect(await host.check('upgrade')).toBe('passing: runs V2')
  })

  test('whose upgrade fails ends with 1, tells everybody, and tries again the next time', async () => {
    const host = await Host.at(
      'V1',
      'V2',
      '',
      '[echo first >>"$DIR/done", test -e "$DIR/ready", echo last >>"$DIR/done"]',
    )
    const { code, stderr } = await host.step()
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('error: test -e "$DIR/ready" failed with 1'),
    })
    expect(host.done()).toBe('first')
    expect(host.read('current_version')).toBe('V1')
    expect(await host.check('upgrade')).toBe('warning: the upgrade to V2 failed: test -e "$DIR/ready" failed with 1')
    expect(await host.check('validation')).toMatch(/^warning: /)
    const record = JSON.parse(await host.consul.value(`${host.prefix}/consul-locker-rollout/failed/web1`))
    expect(record).toMatchObject({ version: 'V2', why: 'test -e "$DIR/ready" failed with 1' })
    expect(await host.slots()).toEqual([])
    host.mark('ready')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('once more') })
    expect(host.done()).toBe('first last validate')
    expect(await host.keys('consul-locker-rollout/')).toEqual([])
  })

  test('that can’t find its upgrade command fails as one whose command fails', async () => {
    const host = await Host.at('V1', 'V2', '', '[[no-such-command]]')
    expect(await host.step()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"no-such-command" was not found'),
    })
    expect(await host.keys('consul-locker-rollout/')).toEqual(FAILED)
  })

  test('runs the fix commands when the validation fails, and validates again', async () => {
    const host = await Host.at('V1', 'V2', 'fix: [echo fix >>"$DIR/done", rm "$DIR/broken"]')
    host.mark('broken')
    const { code, stderr } = await host.step()
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('smoke failed with 1: it is broken; running'),
    })
    expect(host.done()).toBe('upgrade validate fix validate')
    expect(host.read('current_version')).toBe('V2')
  })

  test('records nothing when the fix doesn’t help', async () => {
    const host = await Host.at('V1', 'V2', 'fix: [echo fix >>"$DIR/done"]')
    host.mark('broken')
    expect(await host.step()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error: smoke failed with 1: it is broken'),
    })
    expect(host.done()).toBe('upgrade validate fix validate')
    expect(host.read('current_version')).toBe('V1')
    expect(await host.keys('running_version')).toEqual(['running_version/V1/web1'])
    expect(await host.check('validation')).toBe('warning: V2: smoke failed with 1: it is broken\nit is broken')
  })

  test('tells everybody of a validation that prints more than fits into a text', async () => {
    const host = await Host.at('V1', 'V2')
    host.test('smoke', 'head -c 600000000 /dev/zero; echo; echo it is broken; exit 1')
    expect(await host.step()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('smoke failed with 1: it is broken'),
    })
    expect(await host.keys('consul-locker-rollout/')).toEqual(FAILED)
  })

  test('stops a command that takes too long', async () => {
    const host = await Host.at('V1', 'V2', 'timeouts: {upgrade: 200ms}', HANGS)
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining('did not end within 200ms') })
    await host.gone(await host.pid())
  })

  test('begins nothing when it can’t write down that it begins', async () => {
    const host = await Host.at('V1', 'V2')
    mkdirSync(join(host.dir, 'current_version.upgrading'))
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringMatching(/version file .* can't be read/) })
    expect(host.done()).toBe('')
    expect(await host.slots()).toEqual([])
  })
})

describe('a step that is cut short', () => {
  test.each([
    ['its upgrade', HANGS, 'exit 0', ''],
    ['its validation', '[]', '[ -e "$DIR/pid" ] || { echo $$ >"$DIR/pid"; sleep 60; }', ''],
    ['its fix', '[]', '[ -e "$DIR/pid" ]', `fix: ${HANGS}`],
  ])(
    'killed during %s: that ends, the slots are free at once, and the next step does it all again',
    async (_during, upgrade, script, more) => {
      const host = await Host.at('V1', 'V2', more, upgrade)
      host.test('late', script)
      const step = host.start()
      const pid = await host.pid()
      expect(await host.slots()).toEqual([
        'consul-locker-rollout/slots/cluster/1',
        'consul-locker-rollout/slots/host/web1/1',
      ])
      step.kill('SIGKILL')
      await host.gone(pid)
      await host.freed()
      expect(host.read('current_version')).toBe('V1')
      expect(host.read('current_version.upgrading')).toBe('V2')
      host.configure('upgrade: [echo upgrade >>"$DIR/done"]')
      host.done()
      expect(await host.step()).toMatchObject({ code: 0 })
      expect(host.done()).toBe('upgrade validate')
      expect(host.read('current_version.upgrading')).toBeUndefined()
    },
  )

  test('killed: a service that its commands have started lives on', async () => {
    const service = `setsid sh -c 'echo $$ >"$DIR/service"; exec sleep 60' </dev/null >/dev/null 2>&1 &`
    const host = await Host.at('V1', 'V2', '', JSON.stringify([service, 'echo $$ >"$DIR/pid"; sleep 60']))
    const step = host.start()
    const pid = await host.pid()
    await patiently(
      () => host.read('service'),
      () => 'the service has not begun',
    )
    step.kill('SIGKILL')
    await host.gone(pid)
    await host.freed()
    const started = Number(host.read('service'))
    expect(runs(started)).toBe(true)
    process.kill(started, 'SIGKILL')
  })

  test.each([
    ['before the version was written', 'V1', 'V1'],
    ['before it was recorded at Consul', 'V2', 'V1'],
    ['before its mark was taken away', 'V2', 'V2'],
  ])('killed %s: the next step upgrades again, and not only validates', async (_when, local, recorded) => {
    const host = await Host.at(recorded, 'V2')
    writeFileSync(join(host.dir, 'current_version'), local)
    writeFileSync(join(host.dir, 'current_version.upgrading'), 'V2')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
    expect(await host.keys('running_version')).toEqual(['running_version/V2/web1'])
    expect(host.read('current_version.upgrading')).toBeUndefined()
  })

  test('goes back when the version was taken back meanwhile', async () => {
    const host = await Host.at('V1', 'V1')
    writeFileSync(join(host.dir, 'current_version.upgrading'), 'V2')
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('upgrading web1 from V1 to V1'),
    })
    expect(host.done()).toBe('upgrade validate')
  })

  test('by TERM: stops its command, gives the slots back and ends as TERM would', async () => {
    const host = await Host.at('V1', 'V2', '', HANGS)
    const step = host.start()
    const pid = await host.pid()
    step.kill('SIGTERM')
    expect(await step.ends()).toMatchObject({
      code: 143,
      stderr: expect.stringContaining('interrupted; the next step goes on'),
    })
    expect(runs(pid)).toBe(false)
    expect(await host.slots()).toEqual([])
    expect(host.read('current_version')).toBe('V1')
  })

  test('by a second TERM: doesn’t wait for a command that won’t end', async () => {
    const host = await Host.at('V1', 'V2', '', `["trap '' TERM; echo $$ >\\"$DIR/pid\\"; while :; do sleep 1; done"]`)
    const step = host.start()
    const pid = await host.pid()
    step.kill('SIGTERM')
    step.kill('SIGTERM')
    expect(await step.ends()).toMatchObject({ code: 143 })
    await host.gone(pid)
    await host.freed()
  })

  test.each(['cluster', 'host/web1'])(
    'by the loss of its slot of %s: stops its command and records nothing',
    async (slot) => {
      const host = await Host.at('V1', 'V2', '', HANGS)
      const step = host.start()
      const pid = await host.pid()
      const key = `${host.prefix}/consul-locker-rollout/slots/${slot}/1`
      const session = await host.consul.holder(key)
      if (slot === 'cluster') await host.consul.release(key, session)
      else await host.consul.destroySession(session)
      const ended = await step.ends()
      expect(ended).toMatchObject({
        code: 6,
        stderr: expect.stringMatching(/error: (somebody released|Consul no longer knows)/),
      })
      expect(runs(pid)).toBe(false)
      expect(host.read('current_version')).toBe('V1')
      expect(await host.keys('running_version')).toEqual(['running_version/V1/web1'])
    },
  )

  test('finds another one of its host at work, and leaves it alone', async () => {
    const host = await Host.at('V1', 'V2', '', HANGS)
    const first = host.start()
    const pid = await host.pid()
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('another step of this host is running'),
    })
    expect(runs(pid)).toBe(true)
    first.kill('SIGTERM')
    await first.ends()
  })
})

describe('an upgrade that reboots its host', () => {
  const REBOOT = 'reboot: {command: echo reboot >>"$DIR/done"}'
  const SLOTS = ['cluster/1', 'host/web1/1'].map((slot) => `consul-locker-rollout/slots/${slot}`)

  test('keeps its slots until the host is back, validated and recorded', async () => {
    const host = await Host.at('V1', 'V2', REBOOT, '[{run: exit 2, ok: [2]}, {run: exit 101, reboot: [101]}]')
    const going = { code: 0, stderr: expect.stringContaining('web1 reboots for V2; its slots are kept') }
    expect(await host.step()).toMatchObject(going)
    expect(host.done()).toBe('reboot')
    expect(await host.slots()).toEqual(SLOTS)
    expect(await host.consul.sessions('rollout web1')).toEqual([])
    expect(await host.step()).toMatchObject(going)
    expect(host.done()).toBe('reboot')
    await host.bootsAnew()
    host.mark('broken')
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining('web1 is back') })
    host.unmark('broken')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('web1 runs V2') })
    expect(host.done()).toBe('validate validate')
    expect(host.read('current_version')).toBe('V2')
    expect(await host.keys('consul-locker-rollout/')).toEqual([])
  })

  test('fails when its host doesn’t reboot, and keeps its slots until a person has them forgotten', async () => {
    const host = await Host.at('V1', 'V2', 'reboot: {always: true, command: exit 7, within: 0s}')
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining('did not reboot within') })
    expect(await host.slots()).toEqual(SLOTS)
    const words = ['rollout', 'forget', 'web1', '--prefix', host.prefix]
    expect(await runLocker(words, { address: agent.address })).toMatchObject({ code: 0 })
    expect(await host.keys('consul-locker-rollout/')).toEqual([])
    host.configure('upgrade: [echo upgrade >>"$DIR/done"]')
    expect(await host.step()).toMatchObject({ code: 0 })
  })
})

describe('a step waits', () => {
  const validated = 'validate'

  test('while the rollout is paused, for all, its role or its host; and goes on when it is resumed', async () => {
    const host = await Host.at('V1', 'V2')
    const say = (...words: string[]) =>
      runLocker(['rollout', ...words, '--prefix', host.prefix], { address: agent.address })
    for (const scope of [[], ['--role', 'web'], ['--host', 'web1']]) {
      await say('pause', ...scope)
      expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('the rollout is paused') })
      expect(host.done()).toBe(validated)
      await say('resume', ...scope)
    }
    await say('pause')
    await say('resume', '--host', 'web1')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
  })

  test('for a slot: of the cluster, or of its role', async () => {
    const host = await Host.at('V1', 'V2', 'limits: {cluster: 1, roles: {web: 1}}')
    const session = await host.consul.createSession()
    for (const slot of ['cluster/1', 'role/web/1']) {
      const key = `${host.prefix}/consul-locker-rollout/slots/${slot}`
      await host.consul.acquire(key, session, JSON.stringify({ host: 'web9', pid: 7 }))
      const { code, stderr } = await host.step()
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/at most 1 at a time\): held by web9 \(pid 7\)/),
      })
      expect(host.done()).toBe(validated)
      expect(await host.slots()).toEqual([`consul-locker-rollout/slots/${slot}`])
      await host.consul.deleteKey(key)
    }
    await host.consul.destroySession(session)
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
  })

  test('for a slot as long as it may, and looks again before it begins', async () => {
    const host = await Host.at('V1', 'V2', 'timeouts: {slot: 30s}')
    const session = await host.consul.createSession()
    const key = `${host.prefix}/consul-locker-rollout/slots/cluster/1`
    await host.consul.acquire(key, session)
    const step = host.start()
    await step.says(/waiting: the cluster is busy/)
    await host.put('consul-locker-rollout/failed/web2', JSON.stringify({ version: 'V2', why: 'it burns' }))
    await host.consul.deleteKey(key)
    expect(await step.ends()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('has stopped: web2 failed (it burns)'),
    })
    expect(host.done()).toBe('')
    await host.consul.destroySession(session)
  })

  test('for the hosts that it depends on', async () => {
    const host = await Host.at('V1', 'V2', 'depends_on: {web: [db]}')
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('waiting for a host of the role db'),
    })
    await host.put('running_version/V1/db1', '1')
    expect(await host.step()).toMatchObject({ stderr: expect.stringContaining('waiting for db1 (runs V1)') })
    await host.consul.deleteKey(`${host.prefix}/running_version/V1/db1`)
    await host.put('running_version/V2/db1', '1')
    host.done()
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
  })

  test('for its gates', async () => {
    const host = await Host.at('V1', 'V2')
    host.configure(`upgrade: [echo upgrade >>"$DIR/done"]\ngates: ["kv:${host.prefix}/open=yes"]\n`)
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/waiting for kv:.*\/open=yes \(/),
    })
    expect(host.done()).toBe(validated)
    await host.put('open', 'yes')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
  })
})

describe('a failing check', () => {
  const fails = async (host: Host, Node = 'web2') => {
    const check = { Node, CheckID: 'http', Name: 'http', Status: 'critical' }
    const body = JSON.stringify({ Node, Address: '127.0.0.1', Check: check })
    await host.consul.request('PUT', '/catalog/register', body)
  }

  test('of a host with the version stops all that have not begun; of another host it doesn’t', async () => {
    const host = await Host.at('V1', 'V2')
    await fails(host)
    onTestFinished(() => host.consul.request('PUT', '/catalog/deregister', '{"Node": "web2"}').then(() => {}))
    await host.put('running_version/V2/web2', '1')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('web2 is unhealthy (http)') })
    expect(host.done()).toBe('validate')
    await host.consul.deleteKey(`${host.prefix}/running_version/V2/web2`)
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
  })

  test('is found by the node of a host, which every host records that is called otherwise', async () => {
    const host = await Host.at('V1', 'V2')
    await fails(host, 'ip-10-0-0-2')
    const gone = () => host.consul.request('PUT', '/catalog/deregister', '{"Node": "ip-10-0-0-2"}').then(() => {})
    onTestFinished(gone)
    await host.put('running_version/V2/web2', '1')
    await host.put('consul-locker-rollout/nodes/web2', 'ip-10-0-0-2')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('web2 is unhealthy (http)') })
    await gone()
    host.callItself('web1.example.com')
    expect(await host.step()).toMatchObject({ code: 0 })
    const key = 'consul-locker-rollout/nodes/web1.example.com'
    expect(await host.consul.value(`${host.prefix}/${key}`)).toBe('web1')
    const health = ['rollout', 'health', '--host', 'web1.example.com', '--prefix', host.prefix]
    expect(await runLocker(health, { address: agent.address })).toMatchObject({ code: 0 })
  })

  test('of the host itself has it fixed', async () => {
    const host = await Host.at('V2', 'V2', 'fix: [echo fix >>"$DIR/done"]')
    await host.consul.request('PUT', '/agent/check/register', '{"Name": "own", "TTL": "1h"}')
    onTestFinished(() => host.consul.request('PUT', '/agent/check/deregister/own').then(() => {}))
    await patiently(
      async () => (await (await host.consul.request('GET', '/health/node/web1')).text()).includes('"own"'),
      () => 'the check has not come',
    )
    expect(await host.step()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Consul holds own for failing; running'),
    })
    expect(host.done()).toBe('validate fix validate')
  })
})

describe('a host that runs the version', () => {
  test('is fixed when its validation fails, unless it is paused', async () => {
    const host = await Host.at('V2', 'V2', 'fix: [echo fix >>"$DIR/done", rm "$DIR/broken"]')
    host.mark('broken')
    await host.put('config_state/global/enable_puppet', 'False')
    expect(await host.step()).toMatchObject({ code: 1 })
    expect(host.done()).toBe('validate')
    expect(await host.keys('consul-locker-rollout/')).toEqual(['consul-locker-rollout/failed/web1'])
    await host.put('config_state/global/enable_puppet', 'True')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('passes its validation again') })
    expect(host.done()).toBe('validate fix validate')
    expect(await host.keys('consul-locker-rollout/')).toEqual([])
    expect(await host.check('validation')).toMatch(/^passing: /)
  })

  test('that fails by itself recovers by itself', async () => {
    const host = await Host.at('V2', 'V2')
    host.mark('broken')
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining('it is broken') })
    expect(await host.check('validation')).toMatch(/^warning: /)
    host.unmark('broken')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(await host.keys('consul-locker-rollout/')).toEqual([])
  })
})

test('a step whose validation directory is missing fails, and tells everybody', async () => {
  const host = await Host.at('V1', 'V2')
  rmSync(join(host.dir, 'tests'), { recursive: true })
  expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining("directory can't be read") })
  expect(await host.keys('consul-locker-rollout/')).toEqual(FAILED)
})

test('a step refuses what somebody wrote in place of a version', async () => {
  const host = await Host.at('V1', '../V2')
  expect(await host.step()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('what was triggered is no version'),
  })
  expect(host.done()).toBe('')
})

test('a step tells when Consul can’t be reached, and changes nothing then', async () => {
  const host = await Host.at('V1', 'V2')
  const address = `http://127.0.0.1:${(await freePorts()).http}`
  const ended = await runLocker(['rollout', 'step', '-f', host.file], { address, env: { DIR: host.dir } })
  expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(/^consul-locker: error: .*can't be reached/) })
  expect(host.done()).toBe('')
})

describe('a dry run', () => {
  const dryRun = (host: Host, address = agent.address) =>
    runLocker(['rollout', 'step', '--dry-run', '--json', '-f', host.file], { address, env: { DIR: host.dir } })

  test('says what the step would do, and does nothing', async () => {
    const host = await Host.at('V1', 'V2')
    const before = await host.keys('')
    const preview = await dryRun(host)
    expect(preview.code).toBe(0)
    const why = 'web1 would upgrade from V1 to V2'
    expect(JSON.parse(preview.stdout)).toEqual({ host: 'web1', kind: 'would-upgrade', why })
    expect([host.done(), await host.keys(''), host.read('current_version')]).toEqual(['', before, 'V1'])
    expect(await host.check('validation')).toBe('none')
  })

  test('says what the step would wait for', async () => {
    const host = await Host.at('V1', 'V2', 'limits: {cluster: 0}')
    expect(JSON.parse((await dryRun(host)).stdout)).toMatchObject({
      kind: 'waiting',
      why: 'the limit of the cluster is 0',
    })
    host.configure('gates: [kv:never]\nupgrade: [echo upgrade >>"$DIR/done"]')
    expect(JSON.parse((await dryRun(host)).stdout)).toMatchObject({
      kind: 'waiting',
      why: expect.stringContaining('kv:never'),
    })
    await host.put('current_version', 'V1')
    expect(JSON.parse((await dryRun(host)).stdout)).toMatchObject({ kind: 'idle', why: 'web1 runs V1' })
    expect(host.done()).toBe('')
  })
})

describe('a dry run on a host that is to reboot', () => {
  test.each([
    ['says so', '10m', { kind: 'would-reboot', why: 'web1 would reboot for V2' }],
    ['says that it is too late', '0s', { kind: 'would-fail', why: 'web1 would fail: it did not reboot within 0ms' }],
  ])('%s', async (_, within, preview) => {
    const host = await Host.at(
      'V1',
      'V2',
      `reboot: {always: true, command: echo reboot >>"$DIR/done", within: ${within}}`,
    )
    await host.step()
    host.done()
    const before = await host.keys('')
    const words = ['rollout', 'step', '--dry-run', '--json', '-f', host.file]
    const { code, stdout } = await runLocker(words, { address: agent.address, env: { DIR: host.dir } })
    expect([code, JSON.parse(stdout)]).toEqual([0, { host: 'web1', ...preview }])
    expect([host.done(), await host.keys('')]).toEqual(['', before])
  })
})

describe('a host without a version', () => {
  const BOOTSTRAP = 'bootstrap: [echo bootstrap >>"$DIR/done"]'
  const stepAt = (host: Host, address: string) =>
    runLocker(['rollout', 'step', '--json', '-f', host.file], { address, env: { DIR: host.dir } })
  const nobody = async () => `http://127.0.0.1:${(await freePorts()).http}`

  test('runs the bootstrap commands while Consul can’t be reached, again and again', async () => {
    const host = new Host(BOOTSTRAP)
    const silent = await nobody()
    for (const _ of [1, 2]) {
      const step = await stepAt(host, silent)
      expect([step.code, JSON.parse(step.stdout).kind, host.done()]).toEqual([0, 'bootstrapped', 'bootstrap'])
    }
  })

  test('would run them, says a dry run, which runs nothing', async () => {
    const host = new Host(BOOTSTRAP)
    for (const address of [await nobody(), agent.address]) {
      const words = ['rollout', 'step', '--dry-run', '--json', '-f', host.file]
      const { code, stdout } = await runLocker(words, { address, env: { DIR: host.dir } })
      const why = 'web1 has no version, and would run the bootstrap commands'
      expect([code, JSON.parse(stdout)]).toEqual([0, { host: 'web1', kind: 'would-bootstrap', why }])
      expect(host.done()).toBe('')
    }
  })

  test('runs them while no version was triggered, and upgrades when one was', async () => {
    const host = new Host(BOOTSTRAP)
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('bootstrap')
    await host.put('current_version', 'V1')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect([host.done(), host.read('current_version')]).toEqual(['upgrade validate', 'V1'])
  })

  test('fails when they fail, and not only then when there are none or a version is there', async () => {
    const host = new Host('bootstrap: [exit 3]')
    const failed = await stepAt(host, await nobody())
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.stdout).why).toMatch(/the bootstrap failed: .* failed with 3/)
    expect((await stepAt(new Host(), await nobody())).code).toBe(3)
    const old = await Host.at('V1', 'V2', BOOTSTRAP)
    expect([(await stepAt(old, await nobody())).code, old.done()]).toEqual([3, ''])
  })

  test('has its bootstrap stopped when the step is killed', async () => {
    const host = new Host('bootstrap: [echo $$ >"$DIR/pid"; exec sleep 600]')
    const step = startLocker(['rollout', 'step', '-f', host.file], { address: await nobody(), env: { DIR: host.dir } })
    const pid = await host.pid()
    step.kill('SIGKILL')
    await host.gone(pid)
    await step.ends()
  })
})
