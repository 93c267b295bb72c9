import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Ended, LOCKER, patiently, runLocker } from './locker.ts'
import { removeFolder } from './remove-folder.ts'
import { CLUSTER_KEY, SERVICE_NAME, ServiceNode } from './service-node.ts'

export const dir = mkdtempSync(join(tmpdir(), 'consul-locker-trigger-'))

export const config = join(dir, 'powerconsul.conf')

export const done = join(dir, 'done')

export let node1: ServiceNode

export let node2: ServiceNode

export const putAtNode1 = (key: string, value: string) => node1.consul.request('PUT', `/kv/${key}`, value)

export const drop = (prefix: string) => node1.consul.request('DELETE', `/kv/${prefix}?recurse`)

export const setRoles = (active: string, standby: string) =>
  putAtNode1(CLUSTER_KEY, JSON.stringify({ active_nodes: [active], standby_nodes: [standby] }))

/** What Consul's watch of type checks gives its handler, for one check. */
export const failing = (node: ServiceNode, change: Record<string, unknown> = {}) => [
  {
    Node: node.name,
    CheckID: `service:${SERVICE_NAME}`,
    Status: 'critical',
    Output: 'stopped',
    ServiceName: SERVICE_NAME,
    ...change,
  },
]

export const trigger = (node: ServiceNode, state: string, list: unknown): Promise<Ended> =>
  runLocker(['trigger', state, '--config', config], {
    address: node.agent.address,
    input: Buffer.from(JSON.stringify(list)),
  })

/** What the action has written down. */
export const did = () => (existsSync(done) ? readFileSync(done, 'utf8').trim() : '')

export function configure(extra: Record<string, unknown> = {}): void {
  const subVars = { '@OUT': done, WORD: join(dir, 'hello') }
  writeFileSync(config, JSON.stringify({ clusterKey: 'cluster/production', subVars, ...extra }))
}

export async function isCheckedAs(node: ServiceNode, status: string): Promise<void> {
  const look = async () => {
    const reply = await node1.consul.request('GET', `/health/checks/${SERVICE_NAME}`)
    const checks = (await reply.json()) as { Node: string; Status: string }[]
    return checks.some(({ Node, Status }) => Node === node.name && Status === status)
  }
  await patiently(look, () => `${node.name} is not ${status}`)
}

beforeAll(async () => {
  const watches = [{ type: 'checks', state: 'critical', args: [LOCKER, 'trigger', 'critical', '-c', `${dir}/watched`] }]
  node1 = await ServiceNode.start({
    name: 'node1',
    config: { server: true, bootstrap_expect: 1, performance: { raft_multiplier: 1 }, watches },
  })
  node2 = await ServiceNode.start({ name: 'node2', join: node1.agent.ports.serf_lan })
})

beforeEach(async () => {
  writeFileSync(join(dir, 'hello'), 'hello')
  configure()
  await setRoles('node1', 'node2')
  await node2.stopServices()
  await node1.stopServices()
  await node1.bootServices()
  await isCheckedAs(node1, 'passing')
})

afterEach(async () => {
  for (const prefix of ['triggers/', `service/${SERVICE_NAME}`]) await drop(prefix)
  for (const file of [done, join(dir, 'watched')]) rmSync(file, { force: true })
})

afterAll(async () => {
  for (const node of [node2, node1]) await node?.stop()
  removeFolder(dir)
})
