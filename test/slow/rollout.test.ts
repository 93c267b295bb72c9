import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '../../scripts/provide/fault-proxy.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { agent, nobody, RolloutScene } from '../kit/rollout-words.ts'
import { scratch } from '../kit/unique.ts'

describe('rollout report', () => {
  const status = async (scene: RolloutScene, check: string) => {
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
    const scene = new RolloutScene()
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
    const refused = await new RolloutScene().ask(words)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(complaint)
  })
})

test('a record that is no version of a host stops every word that would count it', async () => {
  const scene = new RolloutScene()
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
  const scene = new RolloutScene()
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

test('who only looks at a fleet or steers it needs none of its roles; a host that takes steps does', async () => {
  const scene = new RolloutScene()
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

test('a watch of a rollout sits an outage of Consul out', async () => {
  const scene = new RolloutScene()
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
    const scene = new RolloutScene()
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
  const scene = new RolloutScene()
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
  ['pause --role', 2, /--role has no value \(write it as --role NAME;/],
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
