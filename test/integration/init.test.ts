import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { execute } from '../../scripts/provide/execute.ts'
import { active, init, node1, server, standby, variant } from '../kit/init-node.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { BOTH } from '../kit/service-node.ts'
import { scratch } from '../kit/unique.ts'

describe('an init script on a primary node', () => {
  test('runs by its first line, starts in order, stops in reverse for a restart, and tells of each', async () => {
    await active()
    await node1.stopServices()
    rmSync(join(node1.dir, 'log'), { force: true })
    await execute(node1.script, ['start'], { env: { PATH: process.env.PATH } })
    expect(node1.running).toEqual(BOTH)
    const again = await init('start')
    expect(again).toMatchObject({
      code: 0,
      stdout: 'service.apache2: already running...\nservice.mysql: already running...\n',
    })
    const restarted = await init('restart')
    expect(restarted.stdout).toBe(`service.mysql: stopping...SUCCESS
service.apache2: stopping...SUCCESS
service.apache2: starting...SUCCESS
service.mysql: starting...SUCCESS
`)
    expect(node1.running).toEqual(BOTH)
    expect(existsSync(join(node1.dir, 'noop'))).toBe(false)
  })

  test('restarts by force-reload what runs, and nothing that doesn’t', async () => {
    await active()
    await init('start')
    expect((await init('force-reload')).stdout).toContain('service.mysql: stopping...SUCCESS\n')
    expect(node1.running).toEqual(BOTH)
    await node1.stopServices()
    expect(await init('force-reload')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(node1.running).toEqual([])
  })

  test('is refused what only a standby may do', async () => {
    await active()
    const stopped = await init('stop')
    expect(stopped).toMatchObject({ code: 1, stdout: '' })
    expect(stopped.stderr).toMatch(
      /^consul-locker: error: Cannot manually stop service on an active\/primary node! \(.*\)\n$/,
    )
    expect((await init('start-primary')).stderr).toMatch(/Node is already primary\/active!/)
  })

  test('gives up on a service command that hangs, and leaves nothing of it', async () => {
    await active()
    await init('start')
    writeFileSync(join(node1.dir, 'stuck'), '')
    const script = variant('stop_timeout: 300ms')
    const ended = await runLocker(['init', '-f', script, 'restart'], { address: node1.agent.address })
    rmSync(join(node1.dir, 'stuck'))
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('service.mysql: stopping...FAILED\n')
    expect(ended.stderr).toBe(
      'consul-locker: error: mysql: its stop command did not end within 300ms (stop_timeout sets the limit)\n',
    )
  })
})

/** Whether we may give a command a /run of its own. */
const mayUnshare = await execute('unshare', ['-m', 'true']).then(
  () => process.getuid?.() === 0,
  () => false,
)

describe.runIf(mayUnshare)('an init script without a service_command', () => {
  const FAKE = '#!/bin/sh\nf=$(dirname "$0"); echo "$(basename "$0") $*" >> $f/log\n'
  const FAKES = {
    systemctl:
      'case $1 in show) echo LoadState=$([ -f $f/unknown ] && echo not-found || echo loaded) ;; is-active) [ -f $f/$2 ] || exit 3 ;; start) : > $f/$2 ;; esac',
    service: 'case $2 in status) [ -f $f/$1 ] || exit 3 ;; start) : > $f/$1 ;; esac',
  }

  test.each([
    [
      'systemctl where systemd runs',
      'mkdir -p /run/systemd/system',
      'systemctl is-active web\nsystemctl show --property=LoadState web\nsystemctl start web\nsystemctl is-active web\n',
    ],
    ['service elsewhere', ':', 'service web status\nservice web start\nservice web status\n'],
  ])('uses %s', async (_, prepare, calls) => {
    await active()
    const { dir, run } = machine(prepare)
    const ended = await run('init', 'SCRIPT', 'start')
    expect(ended).toMatchObject({ code: 0, stdout: 'service.web: starting...SUCCESS\n', stderr: '' })
    expect(readFileSync(join(dir, 'log'), 'utf8')).toBe(calls)
  })

  test('doesn’t take a unit that systemd has not for a stopped one', async () => {
    await standby()
    const { dir, run } = machine('mkdir -p /run/systemd/system')
    writeFileSync(join(dir, 'unknown'), '')
    const check = await run('check', 'service', '-f', 'SCRIPT')
    expect(JSON.parse(check.stdout)).toMatchObject({
      state: 'unknown',
      notes: ['web is unknown: systemd has no unit web'],
    })
    expect(check.code).toBe(1)
  })

  function machine(prepare: string) {
    const dir = scratch()
    for (const [name, text] of Object.entries(FAKES))
      writeFileSync(join(dir, name), `${FAKE}${text}\n`, { mode: 0o755 })
    writeFileSync(
      join(dir, 'init'),
      `name: web\nconsul_service: myserviceConsulName\ncluster_key: cluster/production\n`,
    )
    const run = (...words: string[]) =>
      runLocker(
        words.map((word) => (word === 'SCRIPT' ? join(dir, 'init') : word)),
        {
          address: node1.agent.address,
          env: { PATH: `${dir}:${process.env.PATH}` },
          through: ['unshare', '-m', 'sh', '-c', `mount -t tmpfs none /run && ${prepare} && exec "$@"`, 'sh'],
        },
      )
    return { dir, run }
  }
})

describe('an init script on a standby node', () => {
  test('is refused what only a primary may do, and says the way out', async () => {
    await standby()
    const started = await init('start')
    expect(started).toMatchObject({ code: 1, stdout: '' })
    expect(started.stderr).toBe(
      'consul-locker: error: Cannot manually start service on a standby node! (run start-primary to make this node primary)\n',
    )
    expect((await init('restart')).stderr).toContain('Restart commands can only be issued on primary/active nodes!')
    expect(await init('stop')).toMatchObject({ code: 0 })
    expect(node1.running).toEqual([])
    expect(await init('stop')).toMatchObject({
      code: 0,
      stdout: 'service.mysql: already stopped...\nservice.apache2: already stopped...\n',
    })
  })

  test('has a status with exit code 3, and as JSON', async () => {
    await standby()
    await node1.stopServices()
    const ended = await init('status', '--json')
    expect(ended.code).toBe(3)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      name: 'myservice',
      cluster: { active: [{ node: 'node2', health: 'critical' }], standby: [{ node: 'node1' }] },
      local: [
        { service: 'apache2', state: 'stopped' },
        { service: 'mysql', state: 'stopped' },
      ],
    })
  })

  test('passes its check when stopped only while a primary passes', async () => {
    await standby()
    await node1.stopServices()
    const check = () => runLocker(['check', 'servicegroup', '-f', node1.script], { address: node1.agent.address })
    expect(JSON.parse((await check()).stdout)).toEqual({
      type: 'servicegroup',
      name: 'apache2,mysql',
      expects: 'running',
      clustered: true,
      role: 'standby',
      state: 'stopped',
      code: 2,
    })
    await server.consul.request(
      'PUT',
      '/catalog/register',
      JSON.stringify({
        Node: 'node2',
        Address: '127.0.0.1',
        Service: { Service: 'myserviceConsulName' },
        Check: { Name: 'web', Status: 'passing', ServiceID: 'myserviceConsulName' },
      }),
    )
    await patiently(
      async () => (await check()).code === 0,
      () => 'the standby does not pass',
    )
    await server.consul.request('PUT', '/catalog/deregister', JSON.stringify({ Node: 'node2' }))
  })
})

describe('checks without a cluster', () => {
  const check = (...args: string[]) => runLocker(['check', ...args], { address: node1.agent.address })

  test('expect a process to run', async () => {
    const found = await check('process', '-S', 'nobody', '-P', node1.agent.binary)
    expect(found.code).toBe(0)
    expect(JSON.parse(found.stdout)).toMatchObject({
      type: 'process',
      expects: 'running',
      clustered: false,
      state: 'running',
    })
    expect((await check('process', '-S', 'nobody', '-R', 'no-such-[p]rocess$')).code).toBe(2)
    const many = await check('process', '-S', 'nobody', '-P', node1.agent.binary, '-n', '-C consul -w 900: -c 1:')
    expect(many.code).toBe(1)
    expect(JSON.parse(many.stdout)).toMatchObject({ state: 'running', count: expect.any(Number), code: 1 })
  })

  test('expect a crontab to be there', async () => {
    expect((await check('crontab', '-S', 'nobody', '-u', 'no-such-user')).code).toBe(2)
  })

  test('pass while a process runs that excuses the service', async () => {
    const stopped = ['service', '-S', 'nobody', '--service-command', 'sh -c "exit 3" {service}']
    expect((await check(...stopped, '-P', 'no-such-process')).code).toBe(2)
    const excused = await check(...stopped, '-P', node1.agent.binary)
    expect(excused.code).toBe(0)
    const notes = [`passing only by the process ${node1.agent.binary}`]
    expect(JSON.parse(excused.stdout)).toMatchObject({ state: 'stopped', noop: true, notes })
  })

  test('tell of what they can’t tell in one line of JSON, and are critical', async () => {
    const ended = await runLocker(['check', 'process', '-S', 'web', '-P', 'x'], { address: 'http://127.0.0.1:1' })
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      type: 'process',
      state: 'unknown',
      code: 2,
      error: expect.stringContaining("can't be reached"),
    })
  })
})
