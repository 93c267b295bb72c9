import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { removeFolder } from '../kit/remove-folder.ts'
import { ServiceNode } from '../kit/service-node.ts'

// What users of other failover tools have reported, on our own nodes.

const BOTH = ['apache2', 'mysql']
const NAME = 'myserviceConsulName'
const KEY = `cluster/production/${NAME}`

const dir = mkdtempSync(join(tmpdir(), 'consul-locker-peers-'))
const fence = join(dir, 'fence.sh')
/** As the documents have it. */
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/init.md'), 'utf8')
const [, TRIGGER = ''] = /let `primary\/critical` be `(sh -c '[^']*')`/.exec(PAGE.replaceAll('\n', ' ')) ?? []
let server: ServiceNode
let node1: ServiceNode
let node2: ServiceNode
let node3: ServiceNode

const init = (node: ServiceNode, ...args: string[]) =>
  runLocker(['init', node.script, ...args], { address: node.agent.address })
const put = (key: string, value: string) => server.consul.request('PUT', `/kv/${key}`, value)
const flag = (node: string, direction: string) => `service/${NAME}/${node}/${direction}`
const roles = async () => JSON.parse(await server.consul.value(KEY))

const runs = (node: ServiceNode, services: string[]) =>
  patiently(
    () => node.running.join() === services.join(),
    () => `${node.name} runs ${node.running}, not ${services}`,
  )

/** Waits until the others hold a node, or the service on it, for this. */
async function isHeldFor(node: ServiceNode, health: 'critical' | 'passing', check = 'serfHealth'): Promise<void> {
  const look = async () => {
    const reply = await server.consul.request('GET', `/health/node/${node.name}`)
    const checks = (await reply.json()) as { CheckID: string; Status: string }[]
    return checks.some(({ CheckID, Status }) => CheckID === check && Status === health)
  }
  await patiently(look, () => `${check} of ${node.name} is not ${health}`)
}

/** node1 is primary, and runs. */
async function begin(standby: string[]): Promise<void> {
  await server.consul.request('DELETE', `/kv/service/${NAME}?recurse`)
  await put(KEY, JSON.stringify({ active_nodes: ['node1'], standby_nodes: standby }))
  for (const node of [node1, node2, node3]) await node.stopServices()
  expect(await init(node1, 'start')).toMatchObject({ code: 0 })
}

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  const join = server.agent.ports.serf_lan
  const extra = [`fence_command: sh ${fence} {node}`, 'fence_timeout: 4s']
  const node = (name: string, more = {}) => ServiceNode.start({ name, join, watches: true, extra, ...more })
  ;[node1, node2, node3] = await Promise.all([node('node1'), node('node2'), node('node3')])
})

beforeEach(() => begin(['node2', 'node3']))

afterAll(async () => {
  for (const node of [node3, node2, node1, server]) await node?.stop()
  removeFolder(dir)
})

test('flags that change while handlers run end in what stands there last, in whatever order they fire', async () => {
  // https://github.com/acassen/keepalived/issues/1991: a script for BACKUP ran after the one for MASTER.
  for (let round = 0; round < 3; round++) {
    for (const value of ['START', 'NULL', 'START', 'NULL']) await put(flag('node1', 'demote'), value)
    await runs(node1, BOTH)
  }
  await put(flag('node1', 'demote'), 'START')
  await runs(node1, [])
  await put(flag('node1', 'promote'), 'NULL')
  await put(flag('node1', 'demote'), 'NULL')
  await runs(node1, BOTH)
})

test('a primary that stops more slowly than a step may take runs again in the end', async () => {
  // https://github.com/EnterpriseDB/repmgr/issues/503: "switchover fails and leaves primary down".
  writeFileSync(join(node1.dir, 'slow'), '')
  const ended = await init(node2, 'start-primary', '--step-timeout', '2s')
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('node1 has not stopped within 2s; undoing the switch')
  expect(await roles()).toMatchObject({ active_nodes: ['node1'] })
  await runs(node1, BOTH)
  expect([node2.running, node3.running]).toEqual([[], []])
  rmSync(join(node1.dir, 'slow'))
})

test('one of several standbys that is down holds up no switch', async () => {
  // https://github.com/hapostgres/pg_auto_failover/issues/928: a switchover hung while one node of three was down.
  node3.powerOff()
  await isHeldFor(node3, 'critical')
  const ended = await init(node2, 'start-primary')
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('node3 is dead and stays standby') })
  expect([node1.running, node2.running]).toEqual([[], BOTH])
  expect(await roles()).toEqual({ active_nodes: ['node2'], standby_nodes: ['node1', 'node3'] })
  await node3.agent.restart()
  await isHeldFor(node3, 'passing')
})

test('one of several standbys that dies in mid-switch has it undone, and the next one goes without it', async () => {
  // The same, with the node going down while it is waited for.
  const { address, hold } = await startProxy(node2.agent.address)
  const recorded = hold(/^PUT \/v1\/txn\?dc=/) // The lock's own names no datacenter.
  const running = startLocker(['init', node2.script, 'start-primary', '--http-addr', address])
  await recorded.arrived
  node3.agent.kill('SIGSTOP')
  await isHeldFor(node3, 'critical')
  recorded.release()
  const ended = await running.ends()
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('node3 is dead; undoing the switch') })
  await runs(node1, BOTH)
  expect(node2.running).toEqual([])
  expect(await roles()).toMatchObject({ active_nodes: ['node1'] })
  expect((await init(node2, 'start-primary')).code).toBe(0)
  expect([node1.running, node2.running]).toEqual([[], BOTH])
  node3.agent.kill('SIGCONT')
  await isHeldFor(node3, 'passing')
})

test('a takeover whose fence fails starts nobody else, and is made by a later check once the fence works', async () => {
  // https://github.com/Seagate/cortx-prvsnr/pull/718: a fence device of Pacemaker that had failed was never tried
  // again.
  const check = async () => {
    const ended = await runLocker(['check', 'service', '-f', node2.script, '-U'], { address: node2.agent.address })
    return JSON.parse(ended.stdout)
  }
  node1.agent.kill('SIGKILL')
  await isHeldFor(node1, 'critical')
  writeFileSync(fence, 'echo no power switch; exit 1\n')
  await node2.bootServices() // By whatever acts on a critical check.
  expect(await check()).toMatchObject({
    role: 'standby',
    notes: [expect.stringMatching(/not become primary: node1 could not be fenced, .* ended with 1: no power switch/)],
  })
  expect(await roles()).toMatchObject({ active_nodes: ['node1'] })
  writeFileSync(fence, `kill -9 $(cat ${node1.dir}/mysql/pid) -$(cat ${node1.dir}/apache2/pid)\n`)
  expect(await check()).toMatchObject({ code: 0, tookOver: true })
  expect([node1.running, node2.running]).toEqual([[], BOTH])
  await node1.agent.restart()
  await isHeldFor(node1, 'passing')
})

test('a primary whose agent has died is fenced and followed, by the documents’ trigger', async () => {
  // https://github.com/patroni/patroni/issues/1661: no failover while Consul's agent was dead on the primary.
  await begin(['node2'])
  const config = join(dir, 'powerconsul.conf')
  writeFileSync(config, '{"clusterKey": "cluster/production"}')
  const trigger = (node: ServiceNode) => {
    const check = { Node: node.name, ServiceName: NAME, Output: 'stopped' }
    return runLocker(['trigger', 'critical', '-c', config, '-s', JSON.stringify(check)], {
      address: node.agent.address,
    })
  }
  const acts = (node: ServiceNode) => {
    const words = TRIGGER.replaceAll('/etc/init.d/myservice', node.script).replace('20s', '2s')
    return put(`triggers/${NAME}/primary/critical`, words)
  }
  await acts(node1)
  node1.killServices()
  expect((await trigger(node1)).code).toBe(0)
  expect([node1.running, node2.running]).toEqual([BOTH, []])

  await acts(node2)
  writeFileSync(fence, `kill -9 $(cat ${node1.dir}/mysql/pid) -$(cat ${node1.dir}/apache2/pid)\n`)
  node1.agent.kill('SIGKILL')
  await isHeldFor(node1, 'critical')
  expect((await trigger(node2)).code).toBe(0)
  expect([node1.running, node2.running]).toEqual([[], BOTH])
  expect(await roles()).toMatchObject({ active_nodes: ['node2'] })
  await node1.agent.restart()
  await isHeldFor(node1, 'passing')
})

test('a standby whose services something starts at boot is critical, and its trigger stops them', async () => {
  // https://github.com/inverse-inc/packetfence/issues/2833: two nodes ran after a reboot of one.
  await isHeldFor(node1, 'passing', `service:${NAME}`)
  const config = join(dir, 'powerconsul.conf')
  writeFileSync(config, '{"clusterKey": "cluster/production"}')
  await put(`triggers/${NAME}/secondary/critical`, `${LOCKER} init ${node2.script} stop`)
  await node2.bootServices()
  await isHeldFor(node2, 'critical', `service:${NAME}`)
  const input = Buffer.from(
    await (await node2.consul.request('GET', '/health/state/critical')).text(), // As Consul's watch gives it.
  )
  const ended = await runLocker(['trigger', 'critical', '-c', config], { address: node2.agent.address, input })
  expect(ended.code).toBe(0)
  expect([node1.running, node2.running]).toEqual([BOTH, []])
  await isHeldFor(node2, 'passing', `service:${NAME}`)
})
