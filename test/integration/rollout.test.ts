import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { FaultProxy } from '../../scripts/provide/fault-proxy.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { type Ended, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

let agent: ConsulAgent
let nobody: string

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev', node: 'web1' })
  nobody = `http://127.0.0.1:${(await freePorts()).http}`
})

afterAll(() => agent?.stop())

/** One fleet's keys and one host's files; nobody else's. */
class Scene {
  readonly prefix = uniqueName('fleet')
  readonly versionFile = join(scratch(), 'current_version')
  readonly consul = new ConsulClient(agent.address)

  ask(words: string, input?: string, address = agent.address): Promise<Ended> {
    const [word = '', ...rest] = words.split(' ').filter((one) => one !== '')
    const own = ['pending', 'local', 'record'].includes(word) ? ['--version-file', this.versionFile] : []
    return runLocker(['rollout', word, ...rest, '--prefix', this.prefix, ...own], {
      address,
      ...(input === undefined ? {} : { input: Buffer.from(input) }),
    })
  }

  put(key: string, value: string): Promise<unknown> {
    return this.consul.request('PUT', `/kv/${this.prefix}/${key}`, value)
  }

  value(key: string): Promise<string> {
    return this.consul.value(`${this.prefix}/${key}`)
  }
}

describe('rollout pending', () => {
  test('ends with 0 when there is an update, and with 1 when there is none', async () => {
    const scene = new Scene()
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
    expect(await new Scene().ask('pending')).toMatchObject({ code: 3, stdout: 'No current_version is set\n' })
  })

  test('ends with 2 when Consul doesn’t answer, and with 3 when there is no local version, either', async () => {
    const scene = new Scene()
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
    const scene = new Scene()
    expect(await scene.ask('ping')).toMatchObject({ code: 0, stdout: 'Connection successful\n', stderr: '' })
    const silent = await scene.ask('ping', undefined, nobody)
    expect(silent).toMatchObject({ code: 1, stdout: 'Connection failed\n' })
    expect(silent.stderr).toMatch(/^consul-locker: warn: Consul at .* can't be reached/)
    expect(await scene.ask('ping --json')).toMatchObject({ code: 0, stdout: '{"ping":true}\n' })
  })
})

describe('rollout record', () => {
  test('says what this host runs, and forgets what it ran', async () => {
    const scene = new Scene()
    expect(await scene.ask('record V1 --host web7')).toMatchObject({ code: 0, stderr: '' })
    expect(await scene.ask('record V2 --host web7')).toMatchObject({ code: 0 })
    await scene.ask('record V1 --host web8')
    expect(await scene.ask('hosts-at V1')).toMatchObject({ stdout: 'web8\n' })
    expect(await scene.ask('hosts-at V2')).toMatchObject({ stdout: 'web7\n' })
    expect(Number(await scene.value('running_version/V2/web7')) * 1000).toBeGreaterThan(Date.parse('2026-01-01'))
  })

  test('records the local version, and nothing without one', async () => {
    const scene = new Scene()
    const none = await scene.ask('record --host web7')
    expect(none.code).toBe(0)
    expect(none.stderr).toContain('web7 has no version yet; nothing is recorded')
    await scene.ask('local V3')
    await scene.ask('record --host web7')
    expect(await scene.ask('hosts-at V3')).toMatchObject({ stdout: 'web7\n' })
  })
})

describe('rollout report', () => {
  const status = async (scene: Scene, check: string) => {
    const checks = await (await scene.consul.request('GET', '/agent/checks')).json()
    const { Status, Output } = (checks as Record<string, { Status: string; Output: string }>)[check] ?? {}
    return `${Status}: ${Output}`
  }

  test.each([
    ['upgrade', 'puppet', '0', 'passing'],
    ['upgrade', 'puppet', '2', 'passing'],
    ['upgrade', 'puppet', '4', 'warning'],
    ['puppet', 'puppet', '6', 'warning'],
    ['upgrade', 'puppet', '127', 'warning'],
    ['upgrade', 'puppet', '255', 'warning'],
    ['validation', 'validation', '0', 'passing'],
    ['validation', 'validation', '2', 'warning'],
  ])('of %s sets the check %s: %s is %s', async (kind, check, code, health) => {
    const scene = new Scene()
    onTestFinished(async () => {
      await scene.consul.request('PUT', '/agent/service/deregister/consul-locker-rollout')
    })
    expect(await scene.ask(`report ${kind} ${code}`)).toMatchObject({ code: 0, stderr: '' })
    expect(await status(scene, check)).toBe(`${health}: exit code ${code}`)
  })

  test.each([
    ['report other 0', 'there is no check "other" (it is upgrade or validation)'],
    ['report upgrade x', '"x" is no exit code (as the shell has it in $?)'],
    ['report upgrade 256', '"256" is no exit code (as the shell has it in $?)'],
    ['update_own_status puppet 0', 'there is no rollout "update_own_status" (here it is rollout report)'],
    ['pending_update', 'there is no rollout "pending_update" (here it is rollout pending)'],
    ['step --noop', 'dry-run'],
  ])('%s is refused', async (words, complaint) => {
    const refused = await new Scene().ask(words)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(complaint)
  })

  test('fails when Consul can’t be told', async () => {
    const told = await new Scene().ask('report upgrade 0', undefined, nobody)
    expect(told.code).toBe(3)
  })
})

describe('rollout trigger and current', () => {
  test('set and show the version; without one, current ends with 1', async () => {
    const scene = new Scene()
    expect(await scene.ask('current')).toMatchObject({ code: 1, stdout: '' })
    expect(await scene.ask('current --json')).toMatchObject({ code: 1, stdout: '{"version":null}\n' })
    expect(await scene.ask('trigger 2.1.0')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.value('current_version')).toBe('2.1.0')
    expect(await scene.ask('current')).toMatchObject({ code: 0, stdout: '2.1.0\n' })
  })
})

test('rollout local shows the local version, nothing when there is none, and writes it', async () => {
  const scene = new Scene()
  expect(await scene.ask('local')).toMatchObject({ code: 0, stdout: '\n' })
  expect(await scene.ask('local V7')).toMatchObject({ code: 0, stdout: 'V7\n' })
  expect(await scene.ask('local --json')).toMatchObject({ code: 0, stdout: '{"version":"V7"}\n' })
  const there = ['--version-file', '/proc/nothing/here']
  expect(await runLocker(['rollout', 'local', 'V7', ...there])).toMatchObject({ code: 1, stdout: '' })
})

describe('who runs what', () => {
  test('is told by running, hosts-at, verify and check-single', async () => {
    const scene = new Scene()
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

test('a record that is no version of a host stops every word that would count it', async () => {
  const scene = new Scene()
  await scene.put('running_version/V1/web1', '1')
  await scene.put('running_version/a/b/web2', '1')
  for (const words of ['running', 'hosts-at V1', 'check-single V1', 'verify V1', 'forget web1']) {
    expect(await scene.ask(words, 'web1')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/running_version\/a\/b\/web2.* is no version of a host/),
    })
  }
})

test('what somebody else put among the records is named with its key, and nobody upgrades past it', async () => {
  const scene = new Scene()
  await scene.put('consul-locker-rollout/failed/db2', '{"broken')
  expect(await scene.ask('failures --hosts')).toMatchObject({
    stdout: expect.stringContaining('Node: db2, Rollout of an unknown version: what it has recorded makes no sense'),
  })
  expect(await scene.ask('forget db2')).toMatchObject({ code: 0 })
  const file = join(scratch(), 'rollout.yaml')
  writeFileSync(file, `version_file: ${scene.versionFile}\nupgrade: [exit 9]\n`)
  await scene.ask('trigger V1')
  for (const name of ['failed/2.2.0/db2', 'slots/cluster/1']) {
    const key = `${scene.prefix}/consul-locker-rollout/${name}`
    await scene.consul.request('PUT', `/kv/${key}`, '{')
    for (const words of ['status', 'failures', `step -f ${file}`]) {
      expect(await scene.ask(words)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(`consul kv delete ${key}`),
      })
    }
    await scene.consul.deleteKey(key)
  }
})

test('a pause of a role that the file doesn’t name is refused', async () => {
  const file = join(scratch(), 'rollout.yaml')
  writeFileSync(file, 'role: web\nroles: [web, db]\n')
  expect(await new Scene().ask(`pause --role wbe -f ${file}`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('wbe is none of the roles: web, db'),
  })
})

test('who only looks at a fleet or steers it needs none of its roles; a host that takes steps does', async () => {
  const scene = new Scene()
  const file = join(scratch(), 'rollout.yaml')
  writeFileSync(file, `host: admin\nroles: [web, db]\nconsul: {http_addr: "${agent.address}"}\n`)
  for (const words of ['trigger V1', 'pause --role db', 'resume --role db', 'failures']) {
    expect(await scene.ask(`${words} -f ${file}`)).toMatchObject({ code: 0 })
  }
  expect(await scene.ask(`status -f ${file}`)).toMatchObject({ stdout: expect.stringContaining('V1: 0 of 0 hosts') })
  for (const step of ['step', 'step --dry-run']) {
    expect(await scene.ask(`${step} -f ${file}`)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('the role of admin: admin is none of the roles: web, db (role: names it'),
    })
  }
})

test('rollout status tells how far it is, and watches until all hosts run the version', async () => {
  const scene = new Scene()
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

test('a watch of a rollout sits an outage of Consul out', async () => {
  const scene = new Scene()
  await scene.put('running_version/V1/web1', '1')
  await scene.put('current_version', 'V2')
  await using proxy = await FaultProxy.start(agent.address)
  const watch = startLocker(['rollout', 'status', '--watch', '--prefix', scene.prefix], { address: proxy.address })
  await watch.prints(/0 of 1 hosts/)
  proxy.begin('refused')
  await watch.says(/can't be reached.*; trying again/)
  await scene.put('running_version/V2/web1', '1')
  await scene.consul.deleteKey(`${scene.prefix}/running_version/V1/web1`)
  await proxy.end()
  expect(await watch.ends()).toMatchObject({ code: 0, stdout: expect.stringContaining('V2: 1 of 1 hosts run it') })
  expect(watch.stderr).toMatch(/answers again/)
})

describe('failing checks', () => {
  const consul = () => new ConsulClient(agent.address)
  const checks = async () => {
    const response = await consul().request('GET', '/health/node/web1')
    return (await response.json()) as { Name: string; Status: string }[]
  }
  /** Settles when the servers know, too. Consul spreads new words alone late, so the status changes with them. */
  const register = async (name: string, Status: string, Output = '') => {
    await consul().request('PUT', '/agent/check/register', JSON.stringify({ Name: name, TTL: '1h', Status: 'passing' }))
    await consul().request('PUT', `/agent/check/update/${name}`, JSON.stringify({ Status, Output }))
    const isKnown = async () => (await checks()).some((one) => one.Name === name && one.Status === Status)
    await patiently(isKnown, () => `${name} has not become ${Status}`)
  }
  const forget = (name: string) => consul().request('PUT', `/agent/check/deregister/${name}`)

  test('are counted by health, and end failures with 1', async () => {
    const scene = new Scene()
    expect(await scene.ask('health --host web1')).toMatchObject({ code: 0, stdout: '' })
    expect(await scene.ask('failures')).toMatchObject({ code: 0, stdout: 'No failures\n' })
    await register('disk', 'warning')
    expect(await scene.ask('health --host web1')).toMatchObject({ code: 0 })
    expect(await scene.ask('failures')).toMatchObject({ code: 0 })
    expect(await scene.ask('failures --warnings --hosts')).toMatchObject({
      code: 1,
      stdout: 'Warnings:\n  Node: web1, Check: disk\n',
    })
    await register('validation', 'warning', 'smoke failed')
    await register('http', 'critical')
    expect(await scene.ask('health --host web1')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('validation: smoke failed\n'),
    })
    expect(await scene.ask('health --host web2')).toMatchObject({
      code: 101,
      stderr: expect.stringContaining('Consul knows no node "web2"'),
    })
    const { code, stdout } = await scene.ask('failures --hosts')
    expect(code).toBe(1)
    expect(stdout.split('\n').sort()).toEqual([
      '',
      '  Node: web1, Check: http',
      '  Node: web1, Check: validation',
      'Failures:',
    ])
    expect(await scene.ask('failures')).toMatchObject({ code: 1, stdout: '2 failures\n' })
    const many = Array.from({ length: 101 }, (_, n) => `many-${n}`)
    for (const name of many) {
      await consul().request('PUT', '/agent/check/register', JSON.stringify({ Name: name, TTL: '1h' }))
    }
    await patiently(
      async () => (await checks()).length > many.length,
      () => 'the checks have not come',
    )
    expect(await scene.ask('health --host web1 --json')).toMatchObject({ code: 100 })
    for (const name of ['disk', 'validation', 'http', ...many]) await forget(name)
    await patiently(
      async () => (await checks()).length === 1,
      () => 'the checks have not gone',
    )
    expect(await scene.ask('health --host web1')).toMatchObject({ code: 0 })
  })
})

describe('pause and resume', () => {
  test('write the original’s keys', async () => {
    const scene = new Scene()
    expect(await scene.ask('pause')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await scene.ask('pause --role web')).toMatchObject({ code: 0 })
    expect(await scene.ask('resume --host web1')).toMatchObject({ code: 0 })
    expect(await scene.value('config_state/global/enable_puppet')).toBe('False')
    expect(await scene.value('config_state/role/web/enable_puppet')).toBe('False')
    expect(await scene.value('config_state/host/web1/enable_puppet')).toBe('True')
  })

  test('of everything leave nothing behind that nobody knows of', async () => {
    const scene = new Scene()
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

const WORDS = [
  'trigger V1',
  'current',
  'running',
  'hosts-at V1',
  'verify V1',
  'check-single V1',
  'failures',
  'pause',
  'resume',
]

test.each([...WORDS, 'health'])('rollout %s tells when Consul can’t be reached, or isn’t Consul', async (words) => {
  const scene = new Scene()
  const more = words === 'health' ? 100 : 0
  const unreachable = await scene.ask(words, 'web1', nobody)
  expect(unreachable).toMatchObject({ code: 3 + more, stdout: '' })
  expect(unreachable.stderr).toMatch(/^consul-locker: error: .*can't be reached.*\n$/)
  expect(await scene.ask(words, 'web1', await something())).toMatchObject({ code: 4 + more, stdout: '' })
})

/** Something else than Consul, that answers everything. */
async function something(): Promise<string> {
  const server = createServer((_, response) => response.end('<html>welcome</html>')).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each<[string, number, RegExp]>([
  ['', 2, /rollout what\? \(the words are trigger, forget, step/],
  ['upgrade V2', 2, /there is no rollout "upgrade"/],
  ['trigger', 2, /rollout trigger: which version\?/],
  ['trigger V1 V2', 2, /"V2" behind trigger is one word too many/],
  ['trigger a/b', 2, /the version "a\/b" has the character "\/" in it/],
  ['current --role web', 2, /rollout current takes no --role/],
  ['pause --role web --host web1', 2, /either --host or --role, not both/],
  ['status --prometheus --json', 2, /--prometheus and --json are two wishes/],
  ['status --prometheus --watch', 2, /--prometheus and --watch are two wishes/],
  ['pause --role', 2, /role \(see consul-locker rollout --help\)/],
  ['pause --role a/b', 2, /the role "a\/b" has the character/],
  ['pending --hosts', 2, /rollout pending takes no --hosts/],
  ['health --version-file x', 102, /rollout health takes no --version-file/],
  ['health V1', 102, /"V1" behind health is one word too many/],
  ['step', 2, /a step needs to know what to do/],
  ['step -f /nowhere.yaml', 5, /the rollout file \/nowhere.yaml can't be read/],
  ['current -f /nowhere.yaml', 5, /can't be read/],
  ['health -f /nowhere.yaml', 105, /can't be read/],
  ['current --prefix a//b', 2, /the prefix "" is empty/],
  ['running --bogus', 2, /there is no option --bogus/],
])('rollout %s is refused in one sentence', async (words, code, sentence) => {
  const ended = await runLocker(['rollout', ...words.split(' ').filter((word) => word !== '')], {
    address: agent.address,
  })
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(sentence)
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
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
  const scene = new Scene()
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
