import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runLocker, startLocker } from '../kit/locker.ts'
import { agent, nobody, RolloutScene } from '../kit/rollout-words.ts'
import { scratch } from '../kit/unique.ts'

describe('rollout pending', () => {
  test('ends with 0 when there is an update, and with 1 when there is none', async () => {
    const scene = new RolloutScene()
    await scene.put('current_version', 'V2\n')
    expect(await scene.ask('pending')).toMatchObject({
      code: 0,
      stdout: 'Yes, there is an update pending\n',
      stderr: '',
    })
    await scene.ask('local V1')
    expect(await scene.ask('pending')).toMatchObject({ code: 0 })
    await scene.ask('local V2')
    expect(await scene.ask('pending')).toMatchObject({ code: 1, stdout: 'No updates pending\n', stderr: '' })
    const json = await scene.ask('pending --json')
    expect(JSON.parse(json.stdout)).toEqual({ pending: false, current: 'V2', local: 'V2' })
  })

  test('ends with 3 while no version was triggered', async () => {
    expect(await new RolloutScene().ask('pending')).toMatchObject({ code: 3, stdout: 'No current_version is set\n' })
  })

  test('ends with 2 when Consul doesn’t answer, and with 3 when there is no local version, either', async () => {
    const scene = new RolloutScene()
    const nothing = "Could not get current_version, but there's also no local version set\n"
    expect(await scene.ask('pending', undefined, nobody)).toMatchObject({ code: 3, stdout: nothing })
    await scene.ask('local V1')
    const silent = await scene.ask('pending', undefined, nobody)
    expect(silent).toMatchObject({ code: 2, stdout: 'Could not get current_version\n' })
    expect(silent.stderr).toMatch(/^consul-locker: warn: Consul at .* can't be reached/)
  })
})

describe('rollout ping', () => {
  test('ends with 0 when Consul has a leader, and with 1 when nobody answers', async () => {
    const scene = new RolloutScene()
    expect(await scene.ask('ping')).toMatchObject({ code: 0, stdout: 'Connection successful\n', stderr: '' })
    const silent = await scene.ask('ping', undefined, nobody)
    expect(silent).toMatchObject({ code: 1, stdout: 'Connection failed\n' })
    expect(silent.stderr).toMatch(/^consul-locker: warn: Consul at .* can't be reached/)
    expect(await scene.ask('ping --json')).toMatchObject({ code: 0, stdout: '{"ping":true}\n' })
  })
})

describe('rollout record', () => {
  test('says what this host runs, and forgets what it ran', async () => {
    const scene = new RolloutScene()
    expect(await scene.ask('record V1 --host web7')).toMatchObject({ code: 0, stderr: '' })
    expect(await scene.ask('record V2 --host web7')).toMatchObject({ code: 0 })
    await scene.ask('record V1 --host web8')
    expect(await scene.ask('hosts-at V1')).toMatchObject({ stdout: 'web8\n' })
    expect(await scene.ask('hosts-at V2')).toMatchObject({ stdout: 'web7\n' })
    expect(Number(await scene.value('running_version/V2/web7')) * 1000).toBeGreaterThan(Date.parse('2026-01-01'))
  })

  test('records the local version, and nothing without one', async () => {
    const scene = new RolloutScene()
    const none = await scene.ask('record --host web7')
    expect(none.code).toBe(0)
    expect(none.stderr).toContain('web7 has no version yet; nothing is recorded')
    await scene.ask('local V3')
    await scene.ask('record --host web7')
    expect(await scene.ask('hosts-at V3')).toMatchObject({ stdout: 'web7\n' })
  })
})

describe('rollout report', () => {
  test('fails when Consul can’t be told', async () => {
    const told = await new RolloutScene().ask('report upgrade 0', undefined, nobody)
    expect(told.code).toBe(3)
  })
})

describe('rollout trigger and current', () => {
  test('set and show the version; without one, current ends with 1', async () => {
    const scene = new RolloutScene()
    expect(await scene.ask('current')).toMatchObject({ code: 1, stdout: '' })
    expect(await scene.ask('current --json')).toMatchObject({ code: 1, stdout: '{"version":null}\n' })
    expect(await scene.ask('trigger 2.1.0')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.value('current_version')).toBe('2.1.0')
    expect(await scene.ask('current')).toMatchObject({ code: 0, stdout: '2.1.0\n' })
  })
})

test('rollout local shows the local version, nothing when there is none, and writes it', async () => {
  const scene = new RolloutScene()
  expect(await scene.ask('local')).toMatchObject({ code: 0, stdout: '\n' })
  expect(await scene.ask('local V7')).toMatchObject({ code: 0, stdout: 'V7\n' })
  expect(await scene.ask('local --json')).toMatchObject({ code: 0, stdout: '{"version":"V7"}\n' })
  const there = ['--version-file', '/proc/nothing/here']
  expect(await runLocker(['rollout', 'local', 'V7', ...there])).toMatchObject({ code: 1, stdout: '' })
})

describe('who runs what', () => {
  test('is told by running, hosts-at, verify and check-single', async () => {
    const scene = new RolloutScene()
    expect(await scene.ask('running')).toMatchObject({ code: 0, stdout: '' })
    expect(await scene.ask('check-single V1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('V1 runs nowhere'),
    })
    for (const host of ['web2', 'web1']) await scene.put(`running_version/V1/${host}`, '1424683120.5')
    expect(await scene.ask('check-single V1')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    await scene.put('running_version/V10/db1', '1424683120.5')
    expect(await scene.ask('running')).toMatchObject({ code: 0, stdout: 'V1\nV10\n' })
    expect(await scene.ask('running --json')).toMatchObject({ stdout: '{"V1":["web1","web2"],"V10":["db1"]}\n' })
    expect(await scene.ask('hosts-at V1')).toMatchObject({ code: 0, stdout: 'web1\nweb2\n' })
    expect(await scene.ask('hosts-at V9')).toMatchObject({ code: 0, stdout: '' })
    expect(await scene.ask('check-single V1')).toMatchObject({ code: 1, stderr: expect.stringContaining('but V10') })
    expect(await scene.ask('verify V1', 'web1\nweb2\n')).toMatchObject({ code: 0, stderr: '' })
    expect(await scene.ask('verify V1', 'web1\ndb1\n')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not at V1: db1/),
    })
    expect(await scene.ask('verify --json V1', 'db1')).toMatchObject({ stdout: '{"version":"V1","missing":["db1"]}\n' })
    expect(await scene.ask('verify V1', '\n')).toMatchObject({ code: 2 })
  })
})

test('a pause of a role that the file doesn’t name is refused', async () => {
  const file = join(scratch(), 'rollout.yaml')
  writeFileSync(file, 'role: web\nroles: [web, db]\n')
  expect(await new RolloutScene().ask(`pause --role wbe -f ${file}`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('wbe is none of the roles: web, db'),
  })
})

test('rollout status tells how far it is, and watches until all hosts run the version', async () => {
  const scene = new RolloutScene()
  expect(await scene.ask('status')).toMatchObject({ code: 1, stdout: 'no version was triggered yet\n' })
  await scene.put('running_version/V1/web1', '1')
  await scene.put('running_version/V1/web2', '1')
  await scene.ask('trigger V2')
  await scene.put('consul-locker-rollout/failed/web1', JSON.stringify({ version: 'V2', why: 'it burns' }))
  expect(await scene.ask('status')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /^V2: 0 of 2 hosts run it\n.*\nslots +0 of 1 taken\nfailed +web1: it burns\nwaiting +web2\n +for: .*web1 failed/,
    ),
  })
  const json = JSON.parse((await scene.ask('status --json')).stdout)
  expect(json).toMatchObject({
    version: 'V2',
    hosts: [
      { host: 'web1', state: 'failed' },
      { state: 'waiting', waitsFor: 'failures' },
    ],
  })
  expect((await scene.ask('status --prometheus')).stdout).toContain('hosts{role="web",state="failed"} 1')
  const words = ['rollout', 'status', '--watch', '--prefix', scene.prefix]
  expect(await runLocker([...words, '--exit-on-failure'], { address: agent.address })).toMatchObject({ code: 1 })
  expect(await scene.ask('status --exit-on-failure')).toMatchObject({ code: 2 })
  const watch = startLocker(words, { address: agent.address })
  await watch.prints(/0 of 2 hosts/)
  await scene.consul.deleteKey(`${scene.prefix}/consul-locker-rollout/failed/web1`)
  for (const host of ['web1', 'web2']) {
    await scene.consul.deleteKey(`${scene.prefix}/running_version/V1/${host}`)
    await scene.put(`running_version/V2/${host}`, '1')
  }
  expect(await watch.ends()).toMatchObject({ code: 0, stdout: expect.stringContaining('V2: 2 of 2 hosts run it') })
})

describe('pause and resume', () => {
  test('write the original’s keys', async () => {
    const scene = new RolloutScene()
    expect(await scene.ask('pause')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.ask('pause --role web')).toMatchObject({ code: 0 })
    expect(await scene.ask('resume --host web1')).toMatchObject({ code: 0 })
    expect(await scene.value('config_state/global/enable_puppet')).toBe('False')
    expect(await scene.value('config_state/role/web/enable_puppet')).toBe('False')
    expect(await scene.value('config_state/host/web1/enable_puppet')).toBe('True')
  })

  test('of everything leave nothing behind that nobody knows of', async () => {
    const scene = new RolloutScene()
    await scene.ask('resume --host web1')
    await scene.ask('pause --role db')
    const paused = await scene.ask('pause')
    expect(paused.stderr).toContain('paused, too, though resumed before: host/web1')
    expect(await scene.consul.entry(`${scene.prefix}/config_state/host/web1/enable_puppet`)).toBeUndefined()
    expect(await scene.ask('resume')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('still paused: role/db'),
    })
    expect(await scene.value('config_state/global/enable_puppet')).toBe('True')
  })
})

test.each(['verify V1', 'running'])('rollout %s can be interrupted while it waits for others', async (words) => {
  const mute = createServer(() => {})
  await once(mute.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void mute.close())
  const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`
  const asking = startLocker(['rollout', ...words.split(' ')], {
    address,
    env: { DEBUG: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  await asking.says(/reading the standard input|GET .*running_version/)
  asking.kill('SIGINT')
  expect(await asking.ends()).toMatchObject({ code: 130, stdout: '' })
})

test('rollout reads prefix, version file and Consul’s address from its file', async () => {
  const scene = new RolloutScene()
  const path = join(scratch(), 'rollout.yaml')
  const consul = `consul: {http_addr: "${agent.address}"}`
  writeFileSync(path, `prefix: ${scene.prefix}\nversion_file: ${scene.versionFile}\n${consul}\n`)
  await scene.ask('trigger V3')
  const bare = { env: { CONSUL_HTTP_ADDR: undefined } }
  expect(await runLocker(['rollout', 'current', '-f', path], bare)).toMatchObject({ code: 0, stdout: 'V3\n' })
  expect(await runLocker(['rollout', 'local', 'V3', '-f', path], bare)).toMatchObject({ code: 0 })
  expect(await runLocker(['rollout', 'pending', '-f', path], bare)).toMatchObject({ code: 1 })
})

test('the help fits 80 columns and names every exit code', async () => {
  const { code, stdout } = await runLocker(['rollout', '--help'])
  expect(code).toBe(0)
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(stdout).toMatch(/pending {3}0 yes; 1 no; 2 .*\n.*\n *health/)
})
