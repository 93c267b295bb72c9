import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConsulClient } from '../../kit/consul-client.ts'
import { type DevServer, startDevServer } from '../../kit/dev-server.ts'
import { services, tagged } from '../../kit/leader.ts'
import { patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { startTarget } from '../../kit/target.ts'
import { Toy } from '../../kit/toy-application.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

/* Each mode of ours once on consul-locker dev; what it promises is tested on a real Consul. */

let server: DevServer
let consul: ConsulClient

beforeAll(async () => {
  server = await startDevServer()
  consul = new ConsulClient(server.address)
})
afterAll(async () => void (await server.stop()))

const run = (...words: string[]) => runLocker(words, { address: server.address })
const start = (...words: string[]) => startLocker(words, { address: server.address })

test('a lock keeps contenders apart, is queued for, and leaves nothing', async () => {
  const name = uniqueName('lock')
  const dir = scratch()
  const script = `mkdir '${dir}/in' || echo OVERLAP; sleep 0.1; rmdir '${dir}/in'`
  const ends = await Promise.all([1, 2, 3, 4].map(() => run(name, 'sh', '-c', script)))
  expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(Array(4).fill([0, '']))
  expect(await consul.remains(name)).toEqual([])
})

test('a lock that is lost stops its command', async () => {
  const name = uniqueName('lost')
  const runner = start(name, 'sleep', '600')
  await consul.destroySession(await consul.holder(`consul-locker-${name}`))
  expect(await runner.ends()).toMatchObject({ code: 6 })
})

test('wait sees services and keys', async () => {
  const name = uniqueName('gate')
  const waiting = start('wait', `service:${name}`, `kv:${name}=yes`, '--', 'echo', 'here')
  await consul.request('PUT', '/agent/service/register', JSON.stringify({ Name: name }))
  await consul.request('PUT', `/kv/${name}`, 'yes')
  expect(await waiting.ends()).toMatchObject({ code: 0, stdout: 'here\n' })
})

test('monitor puts a healthy service in, and out; hosts sees it', async () => {
  const label = uniqueName('web')
  const target = await startTarget()
  const monitor = start(
    'monitor',
    '--label',
    label,
    '--service-id',
    'web-1',
    '--interval',
    '0.3s',
    '--monitor-url',
    target.url,
  )
  const hosts = async () => (await run('hosts', '--label', label, '--quiet')).stdout
  await patiently(
    async () => (await hosts()) === '127.0.0.1\n',
    () => `${label} is not to be seen`,
  )
  target.status = 503
  await patiently(
    async () => (await hosts()) === '',
    () => `${label} is still to be seen`,
  )
  monitor.kill('SIGTERM')
  expect(await monitor.ends()).toMatchObject({ code: 0 })
})

test('a start-up lease is one’s, then another’s', async () => {
  const label = uniqueName('lease')
  const words = (verb: string, id: string) => ['lease', verb, '--label', label, '--service-id', id]
  expect(await run(...words('acquire', 'web-1'))).toMatchObject({ code: 0 })
  const other = start(...words('acquire', 'web-2'))
  await run(...words('release', 'web-1'))
  expect(await other.ends()).toMatchObject({ code: 0 })
})

test('a flag is set, watched and waited for', async () => {
  const service = uniqueName('flag')
  const waiting = start('promote', service, '--wait', 'START')
  expect(await run('promote', service, '--set', 'START')).toMatchObject({ code: 0 })
  expect(await waiting.ends()).toMatchObject({ code: 0 })
  expect(await run('promote', service, '--get')).toMatchObject({ code: 0, stdout: 'START\n' })
})

test('init starts a service on the primary', async () => {
  const dir = scratch()
  const service = uniqueName('web')
  const script = join(dir, 'web')
  const begin = `touch '${dir}/runs'`
  writeFileSync(join(dir, 'web.sh'), `case $1 in status) [ -f '${dir}/runs' ] || exit 3 ;; start) ${begin} ;; esac\n`)
  const command = `sh ${dir}/web.sh {action}`
  writeFileSync(
    script,
    `name: web\nconsul_service: ${service}\ncluster_key: cluster/test\nservice_command: ${command}\n`,
  )
  const roles = { active_nodes: [hostname()], standby_nodes: [] }
  await consul.request('PUT', `/kv/cluster/test/${service}`, JSON.stringify(roles))
  expect(await run('init', script, 'start')).toMatchObject({ code: 0, stdout: expect.stringContaining('SUCCESS') })
  expect(existsSync(join(dir, 'runs'))).toBe(true)
})

test('a rollout is triggered, and a step upgrades this host', async () => {
  const dir = scratch()
  const prefix = uniqueName('fleet')
  const file = join(dir, 'rollout.yaml')
  mkdirSync(join(dir, 'tests'))
  writeFileSync(join(dir, 'tests', 'smoke'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(dir, 'version'), '1.0.0')
  writeFileSync(
    file,
    `host: ${hostname()}\nprefix: ${prefix}\nversion_file: ${dir}/version\nvalidate: ${dir}/tests\n` +
      `upgrade: ["echo 2.0.0 >'${dir}/version'"]\n`,
  )
  expect(await run('rollout', 'trigger', '2.0.0', '-f', file)).toMatchObject({ code: 0 })
  expect(await run('rollout', 'step', '-f', file)).toMatchObject({ code: 0 })
  const kept = (await (await consul.request('GET', `/kv/${prefix}/running_version?keys`)).json()) as string[]
  expect(kept).toEqual([`${prefix}/running_version/2.0.0/${hostname()}`])
})

test('leader makes an application master, and demotes it at its end', async () => {
  const toy = await Toy.make()
  const agent = toy.start(server.address)
  await toy.plays('master')
  await tagged(toy, 'master', consul)
  agent.kill('SIGTERM')
  expect(await agent.ends()).toMatchObject({ code: 0 })
  expect(toy.calls).toEqual(['master', 'demote'])
  expect(await services(toy, consul)).toEqual([])
})

test('discovery keeps tokens', async () => {
  const serving = start('discovery', 'serve', '--listen', '127.0.0.1:0')
  const [, url = ''] = await serving.says(/at (http:\S+\d)/)
  const { code, stdout: token } = await run('discovery', 'new', '--url', url)
  expect(code).toBe(0)
  const where = ['--url', url, token.trim()]
  expect(await run('discovery', 'publish', ...where, '10.0.0.9:8300')).toMatchObject({ code: 0 })
  expect((await run('discovery', 'lookup', ...where)).stdout).toContain('10.0.0.9:8300')
})
