import { afterAll, beforeAll, expect } from 'vitest'
import { patiently, runLocker } from './locker.ts'
import { CLUSTER_KEY, SERVICE_NAME, ServiceNode } from './service-node.ts'

export let server: ServiceNode

export let node1: ServiceNode

export let node2: ServiceNode

export let node3: ServiceNode

export const check = async (node: ServiceNode, ...options: string[]) => {
  const ended = await runLocker(['check', 'service', '-f', node.script, ...options], { address: node.agent.address })
  expect(ended.stderr).toBe('')
  return { code: ended.code, ...JSON.parse(ended.stdout) }
}

export async function putJson(path: string, value: unknown): Promise<void> {
  const reply = await server.consul.request('PUT', path, JSON.stringify(value))
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`)
}

export interface Listed {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly Tags: string[]; readonly Port: number; readonly ModifyIndex: number }
  readonly Checks: readonly { readonly Status: string }[]
}

export async function listingOf(node: ServiceNode): Promise<Listed> {
  const all = (await (await server.consul.request('GET', `/health/service/${SERVICE_NAME}`)).json()) as Listed[]
  const found = all.find(({ Node }) => Node.Node === node.name)
  if (!found) throw new Error(`${node.name} is not listed`)
  return found
}

export const isListedAs = (node: ServiceNode, status: string) =>
  patiently(
    async () =>
      (await listingOf(node).catch(() => undefined))?.Checks.every(
        ({ Status }) => Status === status || status !== 'passing',
      ) && (await listingOf(node)).Checks.some(({ Status }) => Status === status),
    () => `${node.name} is not ${status}`,
  )

/** node1 runs and passes, the others rest and pass. */
export async function resetNodes(): Promise<void> {
  await server.consul.request('DELETE', `/kv/service/${SERVICE_NAME}?recurse`)
  await putJson(`/kv/${CLUSTER_KEY}`, { active_nodes: ['node1'], standby_nodes: ['node2', 'node3'] })
  for (const node of [node1, node2, node3]) await node.stopServices()
  await node1.bootServices()
  for (const node of [node1, node2, node3]) await isListedAs(node, 'passing')
}

/** A check that python-powerconsul's tests run, too, with its exit code; of node1, if nothing else is said. */
export interface ComparedCheck {
  readonly code: 0 | 1 | 2
  readonly node?: () => ServiceNode
  readonly before?: () => Promise<unknown>
  readonly kind?: string
  readonly options?: () => string[]
}

/** Runs it, and expects its code of the exit and of what is printed. */
export async function comparesAs({
  code,
  node = () => node1,
  before = async () => {},
  kind = 'service',
  options,
}: ComparedCheck): Promise<void> {
  await before()
  const { dir, agent } = node()
  const local = ['-s', 'apache2,mysql', '--service-command', `/bin/sh ${dir}/services.sh {service} {action}`]
  const given = options?.() ?? []
  const words = ['check', kind, '-S', SERVICE_NAME, ...(given.includes('-s') ? [] : local), ...given]
  const ended = await runLocker(words, { address: agent.address })
  expect([ended.code, JSON.parse(ended.stdout).code]).toEqual([code, code])
}

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  const join = server.agent.ports.serf_lan
  ;[node1, node2, node3] = await Promise.all([
    ServiceNode.start({ name: 'node1', join, watches: true }),
    ServiceNode.start({ name: 'node2', join, watches: true }),
    ServiceNode.start({ name: 'node3', join, watches: true }),
  ])
})

afterAll(async () => {
  for (const node of [node3, node2, node1, server]) await node?.stop()
})
