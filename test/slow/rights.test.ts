import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKnown } from '../kit/catalog.ts'
import { type Ended, type LockerOptions, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { keepRedis, RedisServer } from '../kit/redis-server.ts'
import { ROOT_TOKEN, SecureAgent } from '../kit/secure-agent.ts'
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
  if (!inLine) return 'the waiter does not stand in line'
  return freeOfPauses([], options)
}

/** What a run with these words does that isn't held by a pause; `undefined` if pauses hold it. */
async function freeOfPauses(words: readonly string[], options: Parameters<Trial>[0]): Promise<string | undefined> {
  for (const key of ['consul-locker-backup=pause', 'consul-locker=pause']) {
    await agent.put(key, pauseOfAnHour())
    const paused = await runLocker(['-n', ...words, 'backup', 'true'], options)
    await agent.ask('DELETE', `/kv/${key}`)
    if (paused.code !== 1 || !paused.stderr.includes('is paused')) return `not held by ${key}: ${complaint(paused)}`
  }
  return undefined
}

const pauseOfAnHour = () => {
  const now = Date.now()
  const [since, until] = [now, now + 3_600_000].map((ms) => new Date(ms).toISOString())
  return JSON.stringify({ until, since, by: 'root@here' })
}

/** Pauses, is told what goes on, and resumes. */
const pauses =
  (...scope: string[]): Trial =>
  async (options) => {
    const holder = startLocker(['backup', 'sh', '-c', 'echo runs; sleep 60'], {
      ...options,
      env: { ...options.env, CONSUL_HTTP_TOKEN: ROOT_TOKEN },
    })
    await holder.prints(/runs/)
    const paused = await runLocker(['pause', ...scope, '--for', '1h'], options)
    const resumed = await runLocker(['resume', ...scope], options)
    holder.kill('SIGTERM')
    await holder.ends()
    if (paused.code !== 0 || resumed.code !== 0) return complaint(paused.code === 0 ? resumed : paused)
    return paused.stdout.includes('backup goes on') ? undefined : `it tells nobody who goes on: ${complaint(paused)}`
  }

/** Is shown who holds the lock, and frees it; the holder ends with this code. */
const unlocks =
  (code: number, ...words: string[]): Trial =>
  async (options) => {
    const holder = startLocker(['backup', 'sh', '-c', 'echo runs; sleep 60'], {
      ...options,
      env: { ...options.env, CONSUL_HTTP_TOKEN: ROOT_TOKEN },
    })
    await holder.prints(/runs/)
    const unlocked = await runLocker(['unlock', 'backup', '--yes', ...words], options)
    if (unlocked.code !== 0) holder.kill('SIGTERM')
    const ended = await holder.ends()
    await agent.ask('DELETE', '/kv/consul-locker-backup?recurse')
    if (unlocked.code !== 0 || !unlocked.stdout.includes('held by')) return complaint(unlocked)
    return ended.code === code ? undefined : complaint(ended)
  }

/** A holder and one that waits for it, with these options. */
const contends =
  (options: readonly string[], own: string, queue: string): Trial =>
  async (allowed) => {
    const holder = startLocker([...options, 'backup', 'sleep', '60'], allowed)
    const ended = holder.ends()
    const holds = async () => (await isThere(own)) || holder.hasEnded
    await patiently(holds, () => 'it does not hold')
    if (holder.hasEnded) return complaint(await ended)
    const waiting = options.includes('--shared') ? [] : options
    const waiter = startLocker([...waiting, 'backup', 'echo', 'ran'], allowed)
    await patiently(
      () => waiter.hasEnded || /waiting for backup/.test(waiter.stderr),
      () => 'it does not wait',
    )
    const inLine = await isThere(queue)
    holder.kill('SIGTERM')
    const after = await waiter.ends()
    await ended
    if (after.code !== 0 || after.stdout !== 'ran\n') return complaint(after)
    return inLine ? freeOfPauses(options, allowed) : 'the waiter does not stand in line'
  }

const slots = contends(['--slots', '1'], 'consul-locker-backup/.lock', 'consul-locker-backup/.lock=queue')
const reads = contends(['--shared'], 'consul-locker-backup', 'consul-locker-backup=queue')

const tells: Trial = async (options) => {
  await agent.ask('DELETE', '/kv/consul-locker-backup?recurse')
  await agent.put('consul-locker-backup=runs', '{"runs":[]}')
  const ends = [await runLocker(['status', 'backup'], options), await runLocker(['history', 'backup'], options)]
  const bad = ends.find(({ code }) => code !== 0)
  return bad && complaint(bad)
}

const looks: Trial = async (options) => {
  const { ID: session } = await agent.ask<{ ID: string }>('PUT', '/session/create', { LockDelay: '0s' })
  await agent.ask('PUT', `/kv/consul-locker-backup?acquire=${session}`, '')
  await agent.put('lock/redis/cluster', '{"term":1}')
  await agent.put('consul-locker=pause', pauseOfAnHour())
  const ended = await runLocker(['locks', '--json'], options)
  await agent.ask('PUT', `/session/destroy/${session}`)
  for (const key of ['consul-locker-backup', 'lock/redis/cluster', 'consul-locker=pause']) {
    await agent.ask('DELETE', `/kv/${key}`)
  }
  const { locks = [], paused, unseen } = JSON.parse(ended.stdout || '{}')
  const names = locks.map(({ name }: { name: string }) => name)
  const { host } = locks[0]?.holders[0] ?? {}
  const isAll = names.join() === 'backup,redis' && host === node && paused !== undefined && unseen.length === 0
  return isAll ? undefined : complaint(ended)
}

const measures: Trial = async (options) => {
  await agent.put('consul-locker-backup=runs', '{"runs":[]}')
  await agent.put('lock/redis/cluster', '{"term":1}')
  await agent.put('consul-locker=pause', pauseOfAnHour())
  const ended = await runLocker(['metrics', '--once'], options)
  for (const key of ['consul-locker-backup=runs', 'lock/redis/cluster', 'consul-locker=pause']) {
    await agent.ask('DELETE', `/kv/${key}`)
  }
  const told = ['unseen 0', 'paused 1', 'lock_holders{name="backup"} 0', 'application_has_leader{name="redis"} 0']
  return told.every((line) => ended.stdout.includes(`\nconsul_locker_${line}\n`)) ? undefined : complaint(ended)
}

async function register(service: { readonly Name: string; readonly Tags?: string[] }): Promise<void> {
  await agent.ask('PUT', '/agent/service/register', service)
  await isKnown((path) => agent.ask('GET', path), service.Name)
}

const needsHealth: Trial = async (options) => {
  await register({ Name: 'web' })
  const ended = await runLocker(['-n', '--require-healthy=web', 'backup', 'true'], options)
  return ended.code === 0 ? locks(options) : complaint(ended)
}

const waits: Trial = async (options) => {
  await register({ Name: 'web' })
  await agent.put('ready/web', '1')
  const ended = await runLocker(['wait', '--once', 'service:web', 'kv:ready/web'], options)
  return ended.code === 0 ? undefined : complaint(ended)
}

const leadsByCommands: Trial = async (options) => {
  const toy = await Toy.make('redis')
  toy.configure({ ready_to_lead: ['echo', '7'] })
  return leads(toy, options)
}

const leadsRedis: Trial = async (options) => {
  const toy = await Toy.make('redis')
  keepRedis(toy, await RedisServer.start())
  return leads(toy, options)
}

async function leads(toy: Toy, options: LockerOptions): Promise<string | undefined> {
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
    await beginsReinit(refusal)
    if (refusal()) return refusal()
    await agent.ask('DELETE', `/kv/lock/redis/nodes/${node}`)
    await patiently(
      async () => refusal() ?? (await role()).includes('master'),
      () => 'it is not master',
    )
    await patiently(
      async () => refusal() ?? (await isThere('lock/redis/history')),
      () => 'it is not written down',
    )
    if (refusal()) return refusal()
    const due = { id: 's1', candidate: 'other', by: 'test', at: new Date().toISOString() }
    await agent.put('lock/redis/switchover', JSON.stringify(due))
    await patiently(
      async () => refusal() ?? !(await isThere('lock/redis/switchover')),
      () => 'the switchover is not taken',
    )
    if (refusal()) return refusal()
    const request = { node, by: 'test', at: new Date().toISOString(), force: true }
    await agent.put('lock/redis/step-down', JSON.stringify(request))
    await patiently(
      async () => refusal() ?? !(await isThere('lock/redis/step-down')),
      () => 'the request is not taken',
    )
    if (refusal()) return refusal()
    const status = await runLocker(['leader', 'status', 'redis', '--json'], options)
    return status.stdout.includes('"members":[{') ? refusal() : complaint(status)
  } finally {
    running.kill('SIGTERM')
    await running.ends()
    await agent.ask('DELETE', '/kv/lock/redis?recurse')
    await agent.ask('PUT', '/agent/service/deregister/redis').catch(() => {})
  }
}

/** Has another node lead for a while, whose data the agent is to take. */
async function beginsReinit(refusal: () => string | undefined): Promise<void> {
  const key = `lock/redis/reinit/${node}`
  const request = { id: 'r1', by: 'test', at: new Date().toISOString() }
  const master = { node: 'other', address: '127.0.0.1', port: 1, promoted: true }
  const { ID: session } = await agent.ask<{ ID: string }>('PUT', '/session/create', { LockDelay: '0s' })
  await agent.put(key, JSON.stringify(request))
  await agent.ask('PUT', `/kv/lock/redis/leader?acquire=${session}`, master)
  // An application without such a command is through at once.
  const isBegun = async () => {
    const entries = await agent.ask<{ Value: string }[]>('GET', `/kv/${key}`).catch(() => [])
    return entries.every(({ Value }) => Buffer.from(Value, 'base64').includes('"state"'))
  }
  await patiently(
    async () => refusal() ?? (await isBegun()),
    () => 'it does not begin to take the data of the master',
  )
  await agent.ask('DELETE', `/kv/${key}`)
  await agent.ask('DELETE', '/kv/lock/redis/leader')
  await agent.ask('PUT', `/session/destroy/${session}`)
}

const operates: Trial = async (options) => {
  await register({ Name: 'redis', Tags: ['slave'] })
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
  await register({ Name: 'web' })
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

/** Whether doctor finds nothing at Consul; what it says of this machine is another matter. */
const examines: Trial = async (options) => {
  const { stdout } = await runLocker(['doctor', 'backup', '--json'], options)
  const { checks } = JSON.parse(stdout) as { checks: { topic: string; result: string; message: string }[] }
  return checks.find(({ topic, result }) => topic !== 'This machine' && result !== 'fine')?.message
}

/** Everything is shown that there is. */
const shows: Trial = async (options) => {
  const session = await agent.ask<{ ID: string }>('PUT', '/session/create', JSON.stringify({ Name: 'of nobody' }))
  const swap = {
    id: 'x',
    revision: 1,
    course: 'forward',
    promote: [],
    demote: [],
    skipped: [],
    swaps: [],
    by: 'me',
    since: 'now',
  }
  const values: Readonly<Record<string, string>> = {
    'consul-locker=pause': pauseOfAnHour(),
    'service/mysql/switch': JSON.stringify(swap),
    current_version: '1.0',
    'running_version/1.0/web7': '1',
    'config_state/global/enable_puppet': 'False',
    'lock/redis/cluster': '{"lastMaster":"web1"}',
  }
  const keys = [...Object.keys(values), 'consul-locker-nobody']
  for (const [key, value] of Object.entries(values)) await agent.put(key, value)
  await agent.ask('PUT', `/kv/consul-locker-nobody?acquire=${session.ID}`)
  const service = { ID: 'redis', Service: 'redis', Port: 6379 }
  await agent.ask('PUT', '/catalog/register', JSON.stringify({ Node: 'web7', Address: '192.0.2.7', Service: service }))
  const server = startLocker(['dashboard', '--listen', '127.0.0.1:0'], options)
  try {
    const address = /dashboard is at (\S+)\n/
    await patiently(
      () => address.test(server.stderr) || server.hasEnded,
      () => 'it does not serve',
    )
    const url = address.exec(server.stderr)?.[1]
    return url === undefined ? complaint(await server.ends()) : await missingAt(url)
  } finally {
    server.kill('SIGTERM')
    await server.ends()
    for (const key of keys) await agent.ask('DELETE', `/kv/${key}`)
    await agent.ask('PUT', '/catalog/deregister', JSON.stringify({ Node: 'web7' }))
    await agent.ask('PUT', `/session/destroy/${session.ID}`)
  }
}

/** What a dashboard doesn't show of that, once it has read everything. */
async function missingAt(url: string): Promise<string | undefined> {
  const response = await fetch(`${url}events?q=nobody`, { signal: AbortSignal.timeout(60_000) })
  const told: Record<string, unknown> = {}
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) if (event.startsWith('data: ')) Object.assign(told, JSON.parse(event.slice(6)))
    const { summary, rows, leaders, switches, rollouts } = told as Record<string, never[]>
    if (!(summary as unknown as { isKnown?: boolean })?.isKnown || !leaders || !switches || !rollouts) continue
    const all = JSON.stringify({ summary, rows, leaders, switches, rollouts })
    const signs = [
      '"pause":{',
      `"host":"${node}"`,
      '"name":"redis"',
      '"node":"web7"',
      '"service":"mysql"',
      '"version":"1.0"',
    ]
    return [...signs, '"host":"web7"', '"pauses":["global"]'].find((sign) => !all.includes(sign))
  }
  return 'the news have ended'
}

const TRIALS: Readonly<Record<string, Trial>> = {
  'A run under the lock `backup`': locks,
  '`status` and `history` of `backup`': tells,
  'Who looks at all `locks`': looks,
  'Metrics of all locks': measures,
  '`doctor` of `backup`': examines,
  'Who serves the `dashboard`': shows,
  'A run with `--slots` under the name `backup`': slots,
  'A run with `--shared` under the name `backup`': reads,
  'Who pauses the lock `backup`': pauses('backup'),
  'Who pauses all locks': pauses('--all'),
  'Who unlocks `backup`': unlocks(6),
  'Who asks for `backup` by `unlock --yield`': unlocks(143, '--yield'),
  'A run with `--require-healthy=web`': needsHealth,
  'The gates `service:web` and `kv:ready/web`': waits,
  'The agent of `leader` for redis': leadsByCommands,
  'The agent of `leader` with `application: redis`': leadsRedis,
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

describe('a token that may not unlock', () => {
  const seeing = (name: string) => [`key "consul-locker-${name}" { policy = "read" }`]

  test.each<[string, (name: string) => string[], string[], RegExp]>([
    ['end sessions', seeing, [], /session "<node>" \{ policy = "write" \}/],
    ['write the key', seeing, ['--yield'], /key "consul-locker-\S+" \{ policy = "write" \}/],
    [
      'see the lock',
      () => ['session "web1" { policy = "write" }'],
      [],
      /key "consul-locker-\S+" \{ policy = "read" \}/,
    ],
  ])('is told so, and nothing is done, when it may not %s', async (title, rules, words, rule) => {
    const name = title.replaceAll(' ', '-')
    const root = await allowed([])
    const env = { ...root.env, CONSUL_HTTP_TOKEN: ROOT_TOKEN }
    const holder = startLocker([name, 'sh', '-c', 'echo begun; sleep 60'], { ...root, env })
    await holder.prints(/begun/)
    const refused = await runLocker(['unlock', name, '--yes', ...words], await allowed(rules(name)))
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(rule) })
    holder.kill('SIGTERM')
    expect(await holder.ends()).toMatchObject({ code: 143, stderr: '' })
  })
})

describe('a token that may not write a lock’s history', () => {
  const rules = (name: string) => [
    `key "consul-locker-${name}" { policy = "write" }`,
    'session "web1" { policy = "write" }',
  ]

  test('has a run without one, by one try more and without a word', async () => {
    const options = await allowed(rules('plain'))
    expect(await runLocker(['plain', 'true'], options)).toMatchObject({ code: 0, stderr: '' })
    const { stderr } = await runLocker(['plain', 'true'], { ...options, env: { ...options.env, DEBUG: '1' } })
    expect(stderr).toContain('released without a record')
    expect(await isThere('consul-locker-plain=runs')).toBe(false)
    expect(await isThere('consul-locker-plain')).toBe(false)
  })

  test('has a runner that was killed give its lock back all the same', async () => {
    const runner = startLocker(['killed', 'sh', '-c', 'echo begun; sleep 60'], await allowed(rules('killed')))
    await runner.prints(/begun/)
    runner.kill('SIGKILL')
    await runner.ends()
    const isBack = async () => !(await isThere('consul-locker-killed'))
    await patiently(isBack, () => 'the lock is not given back')
  })

  test.each([[[]], [['key "consul-locker-once=runs" { policy = "read" }']]])(
    'is refused a run that comes once in a period: %j',
    async (more) => {
      const options = await allowed([...rules('once'), ...more])
      const refused = await runLocker(['--once-per', '1h', 'once', 'echo', 'ran'], options)
      expect(refused).toMatchObject({ code: 3, stdout: '' })
      expect(refused.stderr).toContain('key_prefix "consul-locker-once=" { policy = "write" }')
      expect(await isThere('consul-locker-once')).toBe(false)
    },
  )
})

test('a token that sees no nodes is told so by every word of a rollout that judges by their checks', async () => {
  const rules = POLICIES.get('A host of a rollout')?.filter((rule) => !rule.startsWith('node_prefix')) ?? []
  const options = await allowed(rules)
  const dir = scratch()
  writeFileSync(
    join(dir, 'rollout.yaml'),
    JSON.stringify({ host: node, version_file: join(dir, 'version'), upgrade: ['true'] }),
  )
  writeFileSync(join(dir, 'version'), 'V1')
  await agent.put('current_version', 'V2')
  for (const word of ['step', 'status', 'failures']) {
    const ended = await runLocker(['rollout', word, '-f', join(dir, 'rollout.yaml')], options)
    const stderr = expect.stringMatching(/shows this token no nodes, .*node_prefix[\s\S]*failing checks can't be seen/)
    expect([word, ended]).toMatchObject([word, { code: 3, stdout: '', stderr }])
  }
  expect(await isThere('running_version/V2')).toBe(false)
  await agent.ask('DELETE', '/kv/current_version')
})
