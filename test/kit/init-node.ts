import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { runLocker } from './locker.ts'
import { CLUSTER_KEY, ServiceNode } from './service-node.ts'
import { scratch } from './unique.ts'

export let server: ServiceNode

export let node1: ServiceNode

export const init = (...args: string[]) => runLocker(['init', node1.script, ...args], { address: node1.agent.address })

export const roles = (text: string) => server.consul.request('PUT', `/kv/${CLUSTER_KEY}`, text)

export const active = () => roles('{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')

export const standby = () => roles('{"active_nodes": ["node2"], "standby_nodes": ["node1"]}')

/** The init script with other lines at its end, under another name. */
export function variant(...lines: string[]): string {
  const file = join(scratch(), 'myservice')
  writeFileSync(file, `${readFileSync(node1.script, 'utf8')}${lines.join('\n')}\n`)
  chmodSync(file, 0o755)
  return file
}

beforeAll(async () => {
  server = await ServiceNode.start({ name: 'server', server: true })
  node1 = await ServiceNode.start({ name: 'node1', join: server.agent.ports.serf_lan })
})

afterAll(async () => {
  for (const node of [node1, server]) await node?.stop()
})
