import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { ServiceNode } from '../kit/service-node.ts'
import { scratch } from '../kit/unique.ts'

const BOTH = ['apache2', 'mysql']
const KEY = 'cluster/production/myserviceConsulName'

let server1: ServiceNode
let server2: ServiceNode
let node1: ServiceNode
let node2: ServiceNode

const init = (node: ServiceNode, ...args: string[]) =>
  runLocker(['init', node.script, ...args], { address: node.agent.address })

/** How a check with -U on node2 ends. */
async function check(): Promise<Record<string, unknown>> {
  const ended = await runLocker(CHECK(), { address: node2.agent.address })
  return { ...JSON.parse(ended.stdout), stderr: ended.stderr }
}

const CHECK = () => ['check', 'service', '-f', node2.script, '-U']

/** What stands at a key in each of the two datacenters. */
async function inBoth(key: string): Promise<string[]> {
  return Promise.all([server1, server2].map((server) => server.consul.value(key)))
}

async function begin(roles: Record<string, unknown>): Promise<void> {
  for (const server of [server1, server2]) {
    await server.consul.request('DELETE', '/kv/service/myserviceConsulName?recurse')
    await server.consul.request('PUT', `/kv/${KEY}`, JSON.stringify(roles))
    await registered(server)
  }
  await server1.consul.request('PUT', '/kv/service/myserviceConsulName/node1/demote', 'NULL')
  for (const node of [node1, node2]) await node.stopServices()
  expect(await init(node1, 'start')).toMatchObject({ code: 0, stderr: '' })
}

/** Waits until the service of a datacenter's node is in the catalog. */
async function registered(server: ServiceNode): Promise<void> {
  const look = async () => {
    const reply = await server.consul.request('GET', '/catalog/service/myserviceConsulName')
    return ((await reply.json()) as unknown[]).length > 0
  }
  await patiently(look, () => 'the service is not registered')
}

/** Waits until each datacenter answers for the other. */
async function federated(): Promise<void> {
  const look = async () => {
    const replies = [
      server1.consul.request('GET', '/catalog/nodes?dc=dc2'),
      server2.consul.request('GET', '/catalog/nodes?dc=dc1'),
    ]
    return (await Promise.all(replies)).every(({ ok }) => ok)
  }
  await patiently(look, () => 'the datacenters are not federated')
}

beforeAll(async () => {
  server1 = await ServiceNode.start({ name: 'server1', server: true })
  server2 = await ServiceNode.start({
    name: 'server2',
    server: true,
    datacenter: 'dc2',
    config: { retry_join_wan: [`127.0.0.1:${server1.agent.ports.serf_wan}`], retry_interval_wan: '1s' },
  })
  await federated()
  ;[node1, node2] = await Promise.all([
    ServiceNode.start({ name: 'node1', join: server1.agent.ports.serf_lan, watches: true }),
    ServiceNode.start({ name: 'node2', datacenter: 'dc2', join: server2.agent.ports.serf_lan, watches: true }),
  ])
})

afterAll(async () => {
  for (const node of [node2, node1, server2, server1]) await node?.stop()
})

test('nodes in two datacenters switch there and back', async () => {
  await begin({ active_nodes: ['node1'], standby_nodes: ['node2'] })
  const there = await init(node2, 'start-primary', '--to-datacenter', 'dc2')
  expect(there).toMatchObject({ code: 0, stderr: '' })
  expect(there.stdout).toBe(`Starting promotion for node node2...SUCCESS
Starting demotion for node node1...SUCCESS
Demoting primary node node1...SUCCESS
Promoting secondary node node2...SUCCESS
Switching cluster primary/secondary node roles...SUCCESS
Clearing demotion trigger for node node1...SUCCESS
Clearing promotion trigger for node node2...SUCCESS
`)
  const swapped = '{"active_nodes":["node2"],"standby_nodes":["node1"]}'
  expect(await inBoth(KEY)).toEqual([swapped, swapped])
  expect([node1.running, node2.running]).toEqual([[], BOTH])
  expect(await inBoth('service/myserviceConsulName/switch')).toEqual(['', ''])

  const back = await init(node1, 'start-primary')
  expect(back).toMatchObject({ code: 0, stderr: '' })
  expect([node1.running, node2.running]).toEqual([BOTH, []])
})

test('whole datacenters switch by the nodes that have registered the service', async () => {
  await begin({ active_datacenter: 'dc1', standby_datacenter: 'dc2' })
  const refused = await init(node2, 'start-primary', '--to-datacenter', 'dc1')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('no standby node of myserviceConsulName in dc1 is alive')
  expect(await init(node2, 'start-primary')).toMatchObject({ code: 0, stderr: '' })
  const swapped = '{"active_datacenter":"dc2","standby_datacenter":"dc1"}'
  expect(await inBoth(KEY)).toEqual([swapped, swapped])
  expect([node1.running, node2.running]).toEqual([[], BOTH])
})

test('of a whole datacenter only those nodes count that service_filter matches', async () => {
  await begin({ active_datacenter: 'dc1', standby_datacenter: 'dc2' })
  await patiently(
    async () =>
      (await (await server1.consul.request('GET', '/health/service/myserviceConsulName?passing')).text()) !== '[]',
    () => 'node1 does not pass',
  )
  const file = join(scratch(), 'myservice')
  const expects = async (filter: string) => {
    writeFileSync(file, `${readFileSync(node2.script, 'utf8')}service_filter: ${filter}\n`)
    const ended = await runLocker(['check', 'service', '-f', file], { address: node2.agent.address })
    return JSON.parse(ended.stdout).expects
  }
  expect(await expects('node')).toBe('stopped')
  expect(await expects('other-cluster-')).toBe('running')
  const refused = await runLocker(['init', file, 'start-primary'], { address: node2.agent.address })
  expect(refused.stderr).toContain('no standby node of myserviceConsulName is alive')
})

test('datacenters that disagree on the roles leave nobody free to start', async () => {
  await begin({ active_nodes: ['node1'], standby_nodes: ['node2'] })
  await server2.consul.request('PUT', `/kv/${KEY}`, '{"active_nodes": ["node2"], "standby_nodes": ["node1"]}')
  expect((await init(node1, 'start')).code).toBe(1)
  expect((await init(node2, 'start')).code).toBe(1)
  const refused = await init(node2, 'start-primary')
  expect(refused.stderr).toMatch(/the datacenters dc2 and dc1 disagree on the roles/)
})

const SWITCHED_NODES = { active_nodes: ['node2'], standby_nodes: ['node1'] }
const SWITCHED_DATACENTERS = { active_datacenter: 'dc2', standby_datacenter: 'dc1' }

describe.each([
  ['nodes', { active_nodes: ['node1'], standby_nodes: ['node2'] }, SWITCHED_NODES],
  ['whole datacenters', { active_datacenter: 'dc1', standby_datacenter: 'dc2' }, SWITCHED_DATACENTERS],
])('a datacenter that is lost, with roles of %s,', (_, roles, switched) => {
  test('is left out by force, and gets the new roles when it is back, however its key was laid out', async () => {
    await begin(roles)
    const laidOut = `{\n${JSON.stringify(roles).slice(1, -1)},\n"note": "dc1"\n}`
    await server1.consul.request('PUT', `/kv/${KEY}`, laidOut)
    node1.powerOff()
    server1.agent.kill('SIGKILL')
    const refused = await init(node2, 'start-primary')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain("the datacenter dc1 can't be reached")
    const forced = await init(node2, 'start-primary', '--force')
    expect(forced.code).toBe(0)
    expect(forced.stderr).toContain("dc1 can't be reached and keeps the old roles")
    expect(node2.running).toEqual(BOTH)

    await node1.bootServices()
    await server1.agent.restart()
    await node1.agent.restart()
    await federated()
    expect((await init(node1, 'start')).stderr).toContain('Cannot manually start service on a standby node!')
    const goneOn = await init(node2, 'start-primary')
    expect(goneOn).toMatchObject({ code: 0 })
    expect((await inBoth(KEY)).map((text) => JSON.parse(text))).toEqual([{ ...switched, note: 'dc1' }, switched])
    await patiently(
      () => node1.running.length === 0,
      () => 'node1 has not stopped its services',
    )
    expect(node2.running).toEqual(BOTH)
  })
})

test('a datacenter that falls silent in mid-switch is waited for, and not left out', async () => {
  await begin({ active_nodes: ['node1'], standby_nodes: ['node2'] })
  const { address, hold } = await startProxy(node2.agent.address)
  const held = ['record', 'record', 'raise', 'raise'].map(() => hold(/^PUT \/v1\/txn\?dc=/))
  const raised = held.pop()
  for (const { release } of held) release()
  const running = startLocker(['init', node2.script, 'start-primary', '--http-addr', address])
  await raised?.arrived
  await patiently(
    () => node1.running.length === 0,
    () => 'node1 has not stopped',
  )
  server1.agent.kill('SIGSTOP')
  raised?.release()
  await running.says(/trying again/)
  expect([node1.running, node2.running]).toEqual([[], []])
  expect(JSON.parse(await server2.consul.value(KEY)).active_nodes).toEqual(['node1'])
  server1.agent.kill('SIGCONT')
  const ended = await running.ends()
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('answers again') })
  expect((await inBoth(KEY)).map((text) => JSON.parse(text))).toEqual([SWITCHED_NODES, SWITCHED_NODES])
  expect([node1.running, node2.running]).toEqual([[], BOTH])
})

test('a datacenter that is back with roles of its own stops a switch, which says how to go on', async () => {
  await begin({ active_nodes: ['node1'], standby_nodes: ['node2'] })
  server1.agent.kill('SIGKILL')
  expect((await init(node2, 'start-primary', '--force')).code).toBe(0)
  await server1.agent.restart()
  await federated()
  await server1.consul.request('PUT', `/kv/${KEY}`, '{"active_nodes": ["node3"], "standby_nodes": []}')
  const goneOn = await init(node2, 'start-primary')
  expect(goneOn).toMatchObject({ code: 1, stdout: '' })
  const [, command = ''] = /consul kv put -datacenter=dc1 \S+ '(.*?)'; start-primary again/.exec(goneOn.stderr) ?? []
  expect(goneOn.stderr).toContain(`the roles at ${KEY} in dc1 are others than this switch found or makes; `)
  await server1.consul.request('PUT', `/kv/${KEY}`, command)
  expect((await init(node2, 'start-primary')).code).toBe(0)
  expect((await inBoth(KEY)).map((text) => JSON.parse(text))).toEqual([SWITCHED_NODES, SWITCHED_NODES])
})

describe('a check with -U, whose datacenter has to take over', () => {
  /** node1 comes back, with services that something started at boot, and hears that it is a standby. */
  async function fencesNode1(): Promise<void> {
    await node1.bootServices()
    await node1.agent.restart()
    await patiently(
      () => node1.running.length === 0,
      () => 'node1 has not stopped its services',
    )
    expect(node2.running).toEqual(BOTH)
  }

  test('does nothing while the other one is out of reach, and then goes on after a kill behind every change', async () => {
    await begin({ active_nodes: ['node1'], standby_nodes: ['node2'] })
    node1.powerOff()
    server1.agent.kill('SIGKILL')
    await node2.bootServices()
    const alone = await check()
    expect(alone).toMatchObject({ notes: ["the datacenter dc1 can't be reached, and may have a primary"], stderr: '' })
    expect(JSON.parse(await server2.consul.value(KEY)).active_nodes).toEqual(['node1'])
    await server1.agent.restart()
    await federated()

    const { address, hold } = await startProxy(node2.agent.address)
    for (const _change of ['record', 'record', 'raise', 'raise', 'swap', 'swap', 'clear', 'forget']) {
      const change = hold(/^PUT \/v1\/txn\?dc=/) // The lock's own, and those of the node, name no datacenter.
      const run = startLocker([...CHECK(), '--http-addr', address])
      await change.arrived
      run.kill('SIGKILL')
      await run.ends()
      change.release()
    }
    expect(await check()).toMatchObject({ code: 0, tookOver: true, stderr: '' })
    expect(await check()).toMatchObject({ role: 'active', code: 0, stderr: '' })
    expect((await inBoth(KEY)).map((text) => JSON.parse(text))).toEqual([SWITCHED_NODES, SWITCHED_NODES])
    expect(await inBoth('service/myserviceConsulName/switch')).toEqual(['', ''])
    await fencesNode1()
  })

  test('makes it primary as a whole, and fences the nodes of the other, even one that is forgotten there', async () => {
    await begin({ active_datacenter: 'dc1', standby_datacenter: 'dc2' })
    node1.powerOff()
    server1.agent.kill('SIGKILL')
    await server1.agent.restart()
    await federated()
    await node2.bootServices()
    await patiently(
      async () => (await check()).tookOver,
      () => 'node2 has not taken over',
    )
    expect((await inBoth(KEY)).map((text) => JSON.parse(text))).toEqual([SWITCHED_DATACENTERS, SWITCHED_DATACENTERS])
    expect(await inBoth('service/myserviceConsulName/switch')).toEqual(['', ''])
    await fencesNode1()
  })
})
