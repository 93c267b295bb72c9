import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { runLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { FAILED, HANGS, Host } from '../kit/rollout-host.ts'

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

  test('stops a command that takes too long', async () => {
    const host = await Host.at('V1', 'V2', 'timeouts: {upgrade: 200ms}', HANGS)
    expect(await host.step()).toMatchObject({ code: 1, stderr: expect.stringContaining('did not end within 200ms') })
    await host.gone(await host.pid())
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
})

describe('a step waits', () => {
  const validated = 'validate'

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
  test('of a host with the version stops all that have not begun; of another host it doesn’t', async () => {
    const host = await Host.at('V1', 'V2')
    await host.otherNodeFails('web2')
    onTestFinished(() => host.consul.request('PUT', '/catalog/deregister', '{"Node": "web2"}').then(() => {}))
    await host.put('running_version/V2/web2', '1')
    expect(await host.step()).toMatchObject({ code: 0, stderr: expect.stringContaining('web2 is unhealthy (http)') })
    expect(host.done()).toBe('validate')
    await host.consul.deleteKey(`${host.prefix}/running_version/V2/web2`)
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('upgrade validate')
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

  test('runs them while no version was triggered, and upgrades when one was', async () => {
    const host = new Host(BOOTSTRAP)
    expect(await host.step()).toMatchObject({ code: 0 })
    expect(host.done()).toBe('bootstrap')
    await host.put('current_version', 'V1')
    expect(await host.step()).toMatchObject({ code: 0 })
    expect([host.done(), host.read('current_version')]).toEqual(['upgrade validate', 'V1'])
  })
})
