import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { agent, FAILED, HANGS, Host } from '../kit/rollout-host.ts'

describe('a step', () => {
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

  test('that can’t find its upgrade command fails as one whose command fails', async () => {
    const host = await Host.at('V1', 'V2', '', '[[no-such-command]]')
    expect(await host.step()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"no-such-command" was not found'),
    })
    expect(await host.keys('consul-locker-rollout/')).toEqual(FAILED)
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

  test('begins nothing when it can’t write down that it begins', async () => {
    const host = await Host.at('V1', 'V2')
    mkdirSync(join(host.dir, 'current_version.upgrading'))
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringMatching(/version file .* can't be read/) })
    expect(host.done()).toBe('')
    expect(await host.slots()).toEqual([])
  })
})

describe('a step that is cut short', () => {
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

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps its slots when the step of the host that is back ends by %s before it says so',
    async (signal) => {
      const host = await Host.at('V1', 'V2', REBOOT, '[{run: exit 101, reboot: [101]}]')
      await host.step()
      await host.bootsAnew()
      const kept = () => Promise.all(SLOTS.map((slot) => host.consul.value(`${host.prefix}/${slot}`)))
      const before = await kept()
      // It has its own slot, and waits for one of its role.
      const session = await host.consul.createSession()
      await host.consul.acquire(`${host.prefix}/consul-locker-rollout/slots/role/web/1`, session)
      host.configure(`upgrade: [exit 1]\nlimits: {roles: {web: 1}}\ntimeouts: {slot: 10m}\n${REBOOT}`)
      const step = host.start()
      await step.says(/waiting: the role web is busy/)
      await host.consul.holder(`${host.prefix}/${SLOTS[1]}`)
      step.kill(signal)
      await step.ends()
      await patiently(
        async () => (await host.consul.sessions('rollout web1')).length === 0,
        () => 'its session is left',
      )
      expect(await kept()).toEqual(before)
      await host.consul.destroySession(session)
      host.configure(`upgrade: [exit 1]\n${REBOOT}`)
      expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('web1 runs V2') })
      expect(await host.keys('consul-locker-rollout/slots/host')).toEqual([])
    },
  )

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
})

describe('a failing check', () => {
  test('is found by the node of a host, which every host records that is called otherwise', async () => {
    const host = await Host.at('V1', 'V2')
    await host.otherNodeFails('ip-10-0-0-2')
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
