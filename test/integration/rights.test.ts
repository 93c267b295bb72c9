import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, type LockerOptions, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { startTarget } from '../kit/target.ts'
import { Toy } from '../kit/toy-application.ts'
import { scratch } from '../kit/unique.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/rights.md'), 'utf8')

/** The rules of each section that has a policy, as they are to be pasted. */
const POLICIES = new Map(
  [...TEXT.matchAll(/^## (.+)\n\n```hcl\n([^`]+)```$/gm)].map(([, title = '', rules = '']) => [
    title,
    rules.trim().split('\n'),
  ]),
)

let agent: SecureAgent
let node: string
let policies = 0

beforeAll(async () => {
  agent = await SecureAgent.start()
  node = (await agent.ask<{ Config: { NodeName: string } }>('GET', '/agent/self')).Config.NodeName
})

afterAll(() => agent?.stop())

/** How one reaches the agent who may do no more than these rules allow. */
async function allowed(rules: readonly string[]): Promise<LockerOptions> {
  const token = await agent.token(`rights-${++policies}`, rules.join('\n').replaceAll('web1', node))
  const { ca, cert, key } = agent.certificates
  const env = { CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key, CONSUL_HTTP_TOKEN: token }
  return { address: agent.address, env }
}

/** All that a mode does, under these rights; settles with what went wrong first. */
type Trial = (options: LockerOptions) => Promise<string | undefined>

const complaint = ({ code, stdout, stderr }: Ended) => `${code}: ${stdout}${stderr}`
const isThere = (key: string) =>
  agent.ask('GET', `/kv/${key}`).then(
    () => true,
    () => false,
  )

const locks: Trial = async (options) => {
  const holder = startLocker(['backup', 'sleep', '60'], options)
  const ended = holder.ends()
  const holds = async () => (await isThere('consul-locker-backup')) || holder.hasEnded
  await patiently(holds, () => 'it does not hold')
  if (holder.hasEnded) return complaint(await ended)
  const waiter = startLocker(['backup', 'echo', 'ran'], options)
  await waiter.says(/waiting for backup/)
  const inLine = await isThere('consul-locker-backup=queue')
  holder.kill('SIGTERM')
  const after = await waiter.ends()
  if (after.code !== 0 || after.stdout !== 'ran\n') return complaint(after)
  return inLine ? undefined : 'the waiter does not stand in line'
}

const waits: Trial = async (options) => {
  await agent.ask('PUT', '/agent/service/register', { Name: 'web' })
  await agent.put('ready/web', '1')
  const ended = await runLocker(['wait', '--once', 'service:web', 'kv:ready/web'], options)
  return ended.code === 0 ? undefined : complaint(ended)
}

const leads: Trial = async (options) => {
  const toy = await Toy.make('redis')
  await agent.put(`lock/redis/nodes/${node}`, '{"disabled":true}')
  const running = toy.start(options.address, options.env)
  const refusal = () =>
    running.hasEnded || / refuses |can't be taken/.test(running.stderr) ? running.stderr : undefined
  const role = async () => (await toy.get('/role').catch(() => ({ text: '' }))).text
  try {
    await patiently(
      async () => refusal() ?? /master|disabled/.test(await role()),
      () => 'it plays no role',
    )
    if (refusal()) return refusal()
    if ((await role()).includes('master')) return 'it does not see that its node is disabled'
    await agent.ask('DELETE', `/kv/lock/redis/nodes/${node}`)
    await patiently(
      async () => refusal() ?? (await role()).includes('master'),
      () => 'it is not master',
    )
    if (refusal()) return refusal()
    const request = { node, by: 'test', at: new Date().toISOString() }
    await agent.put('lock/redis/step-down', JSON.stringify(request))
    await patiently(
      async () => refusal() ?? !(await isThere('lock/redis/step-down')),
      () => 'the request is not taken',
    )
    if (refusal()) return refusal()
    const status = await runLocker(['leader', 'status', 'redis', '--json'], options)
    return status.stdout.includes('"members":[{') ? undefined : complaint(status)
  } finally {
    running.kill('SIGTERM')
    await running.ends()
    await agent.ask('DELETE', '/kv/lock/redis?recurse')
    await agent.ask('PUT', '/agent/service/deregister/redis').catch(() => {})
  }
}

const operates: Trial = async (options) => {
  await agent.ask('PUT', '/agent/service/register', { Name: 'redis', Tags: ['slave'] })
  for (const words of [
    ['maintenance', 'redis', '--for', '1m'],
    ['enable', 'redis', '--node', node],
  ]) {
    const ended = await runLocker(['leader', ...words], options)
    if (ended.code !== 0) return complaint(ended)
  }
  const status = await runLocker(['leader', 'status', 'redis', '--json'], options)
  return status.stdout.includes('"role":"slave"') ? undefined : complaint(status)
}

const monitors: Trial = async (options) => {
  const lease = await runLocker(['lease', 'acquire', '--label', 'web', '--service-id', 'web-1'], options)
  if (lease.code !== 0) return complaint(lease)
  const target = await startTarget()
  const words = ['--label', 'web', '--service-id', 'web-1', '--monitor-url', target.url, '--interval', '0.3s']
  const monitor = startLocker(['monitor', ...words, '--timeout', '5s'], options)
  const ended = monitor.ends()
  await patiently(
    () => monitor.hasEnded || /web-1 is up/.test(monitor.stderr),
    () => 'it is not up',
  )
  monitor.kill('SIGTERM')
  const { code, stderr } = await ended
  await agent.ask('DELETE', '/kv/lease/web')
  return code === 0 && /the start-up lease of web-1 has ended/.test(stderr) ? undefined : stderr
}

const finds: Trial = async (options) => {
  await agent.ask('PUT', '/agent/service/register', { Name: 'web' })
  const ended = await runLocker(['hosts', '--label', 'web'], options)
  return ended.stdout === '127.0.0.1\n' ? undefined : complaint(ended)
}

const serves: Trial = async (options) => {
  const server = startLocker(['discovery', 'serve', '--listen', '127.0.0.1:0', '--expire', '2s'], options)
  const [, url = ''] = await server.says(/serving discovery tokens at (http:\S+?),/)
  const created = await runLocker(['discovery', 'new', '--url', url])
  if (created.code !== 0) return complaint(created)
  const token = created.stdout.trim()
  const published = await runLocker(['discovery', 'publish', '--url', url, token, '10.0.0.1:8300'])
  if (published.code !== 0) return complaint(published)
  const services = () => agent.ask<unknown[]>('GET', `/catalog/service/${token}`)
  if ((await services()).length !== 1) return 'it is not in the catalog'
  await patiently(
    async () => (await services()).length === 0,
    () => 'it stays in the catalog',
  )
  return undefined
}

const upgrades: Trial = async (options) => {
  const dir = scratch()
  mkdirSync(join(dir, 'tests'))
  writeFileSync(join(dir, 'tests', 'smoke'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(dir, 'version'), 'V1')
  const keys = { host: node, version_file: join(dir, 'version'), validate: join(dir, 'tests'), upgrade: ['true'] }
  writeFileSync(join(dir, 'rollout.yaml'), JSON.stringify({ ...keys, limits: { cluster: 1 } }))
  await agent.put(`running_version/V1/${node}`, '1')
  await agent.put('current_version', 'V2')
  await agent.put('config_state/global/enable_puppet', 'false')
  const file = join(dir, 'rollout.yaml')
  await runLocker(['rollout', 'step', '-f', file], options)
  if (await isThere(`running_version/V2/${node}`)) return 'it does not see the pause'
  await agent.ask('DELETE', '/kv/config_state?recurse')
  await agent.put('running_version/V2/web9', '1')
  const ill = { Node: 'web9', CheckID: 'http', Name: 'http', Status: 'critical', ServiceID: 'db' }
  await agent.ask('PUT', '/catalog/register', {
    Node: 'web9',
    Address: '127.0.0.9',
    Service: { Service: 'db' },
    Check: ill,
  })
  const stopped = await runLocker(['rollout', 'step', '-f', file], options)
  await agent.ask('PUT', '/catalog/deregister', { Node: 'web9' })
  if (!stopped.stderr.includes('web9 is unhealthy')) return 'it does not see the health of others'
  const step = await runLocker(['rollout', 'step', '-f', file], options)
  const recorded = await isThere(`running_version/V2/${node}`)
  await agent.ask('DELETE', '/kv/running_version?recurse')
  return step.code === 0 && recorded && !/warn|error/.test(step.stderr) ? undefined : complaint(step)
}

const triggers: Trial = async (options) => {
  const ended = await runLocker(['rollout', 'trigger', 'V3'], options)
  return ended.code === 0 ? undefined : complaint(ended)
}

const TRIALS: Readonly<Record<string, Trial>> = {
  'A run under the lock `backup`': locks,
  'The gates `service:web` and `kv:ready/web`': waits,
  'The agent of `leader` for redis': leads,
  'The operator of `leader` for redis': operates,
  'The monitor of the service `web`, and its start-up lease': monitors,
  'The hosts of the service `web`': finds,
  'The server of discovery tokens': serves,
  'A host of a rollout': upgrades,
  'Who triggers a rollout': triggers,
}

test('every policy of docs/rights.md is tried', () => {
  expect([...POLICIES.keys()]).toEqual(Object.keys(TRIALS))
})

describe.each([...POLICIES])('%s', (title, rules) => {
  const trial = TRIALS[title] as Trial

  test('works with the rules that the docs name', async () => {
    expect(await trial(await allowed(rules))).toBeUndefined()
  })

  test.each(rules.map((rule) => [rule]))('fails without %s', async (rule) => {
    expect(await trial(await allowed(rules.filter((other) => other !== rule)))).toBeTypeOf('string')
  })
})
