import { afterAll, beforeAll, expect } from 'vitest'
import { patiently, runLocker } from './locker.ts'
import { CLUSTER_KEY, ServiceNode } from './service-node.ts'

export const flagOf = (node: string, direction: string) => `service/myserviceConsulName/${node}/${direction}`

export let server: ServiceNode

export let node1: ServiceNode

export let node2: ServiceNode

export let node3: ServiceNode

export const initAt = (node: ServiceNode, ...args: string[]) =>
  runLocker(['init', node.script, ...args], { address: node.agent.address })

export async function putAtServer(key: string, value: string): Promise<void> {
  await server.consul.request('PUT', `/kv/${key}`, value)
}

/** The roles and flags of the beginning, and services that run on node1 alone. */
export async function resetRoles(active: string[], standby: string[]): Promise<void> {
  await putAtServer(CLUSTER_KEY, JSON.stringify({ active_nodes: active, standby_nodes: standby }))
  const flags = [node1, node2, node3].flatMap(({ name }) => [flagOf(name, 'promote'), flagOf(name, 'demote')])
  // What is there already is left alone: at each change the agents' watches call the script.
  await server.consul.settle('service/myserviceConsulName/', Object.fromEntries(flags.map((flag) => [flag, 'NULL'])))
  for (const node of [node1, node2, node3]) await node.stopServices()
  const [first] = [node1, node2, node3].filter(({ name }) => active.includes(name))
  if (first) expect(await initAt(first, 'start')).toMatchObject({ code: 0, stderr: '' })
}

export async function flags(): Promise<string[]> {
  const keys = ['node1', 'node2'].flatMap((node) => [flagOf(node, 'promote'), flagOf(node, 'demote')])
  return Promise.all(keys.map((key) => server.consul.value(key)))
}

export async function healthy(...nodes: ServiceNode[]): Promise<void> {
  const [node = node1] = nodes
  const look = async () => {
    const status = JSON.parse((await initAt(node, 'status', '--json')).stdout)
    const all: { node: string; health: string }[] = [...status.cluster.active, ...status.cluster.standby]
    return all.every(({ health }) => health === 'passing') && all.length
  }
  await patiently(look, () => 'not all nodes are passing')
}

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  const join = server.agent.ports.serf_lan
  ;[node1, node2, node3] = await Promise.all([
    ServiceNode.start({ name: 'node1', join, watches: true, extra: ['stop_timeout: 2s'] }),
    ServiceNode.start({ name: 'node2', join, watches: true }),
    ServiceNode.start({ name: 'node3', join }),
  ])
})

afterAll(async () => {
  for (const node of [node3, node2, node1, server]) await node?.stop()
})
