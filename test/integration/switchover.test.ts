import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BOTH, CLUSTER_KEY } from '../kit/service-node.ts'
import { flags, healthy, initAt, node1, node2, resetRoles, server } from '../kit/switched-nodes.ts'

describe('two nodes, with Consul’s own watches', () => {
  test('reproduce the document’s session line by line', async () => {
    await resetRoles(['node1'], ['node2'])
    await healthy(node2)
    const primary = await initAt(node1, 'status')
    expect(primary.code).toBe(0)
    expect(primary.stdout).toBe(`
myservice.service:
  cluster:
    nodes.active: node1.passing
    nodes.standby: node2.passing
  local:
    service.apache2: running... [  <stdout from: service apache2 status> ]
    service.mysql: running... [ <stdout from: service mysql status> ]

`)
    const before = await initAt(node2, 'status')
    const started = await initAt(node2, 'start-primary')
    await healthy(node2)
    const after = await initAt(node2, 'status')
    expect([before.code, started.code, after.code]).toEqual([3, 0, 0])
    expect(`${before.stdout}${started.stdout}${after.stdout}`).toBe(`
myservice.service:
  cluster:
    nodes.active: node1.passing
    nodes.standby: node2.passing
  local:
    service.apache2: stopped... [  <stdout from: service apache2 status> ]
    service.mysql: stopped... [ <stdout from: service mysql status> ]

Starting promotion for node node2...SUCCESS
Starting demotion for node node1...SUCCESS
Demoting primary node node1...SUCCESS
Promoting secondary node node2...SUCCESS
Switching cluster primary/secondary node roles...SUCCESS
Clearing demotion trigger for node node1...SUCCESS
Clearing promotion trigger for node node2...SUCCESS

myservice.service:
  cluster:
    nodes.active: node2.passing
    nodes.standby: node1.passing
  local:
    service.apache2: running... [  <stdout from: service apache2 status> ]
    service.mysql: running... [ <stdout from: service mysql status> ]

`)
    expect([node1.running, node2.running]).toEqual([[], BOTH])
    expect(existsSync(join(node2.dir, 'noop'))).toBe(false)
    expect(await flags()).toEqual(['NULL', 'NULL', 'NULL', 'NULL'])
    expect(await server.consul.entry('service/myserviceConsulName/switch')).toBeUndefined()
  })

  test('are undone when the old primary can’t stop, and it goes on as the primary', async () => {
    await resetRoles(['node1'], ['node2'])
    writeFileSync(join(node1.dir, 'stuck'), '')
    const ended = await initAt(node2, 'start-primary')
    rmSync(join(node1.dir, 'stuck'))
    expect(ended.code).toBe(1)
    expect(ended.stdout).toBe(`Starting promotion for node node2...SUCCESS
Starting demotion for node node1...SUCCESS
Demoting primary node node1...FAILED
Clearing promotion trigger for node node2...SUCCESS
Clearing demotion trigger for node node1...SUCCESS
`)
    expect(ended.stderr).toMatch(/node1 reports: mysql: its stop command did not end within 2s; undoing the switch/)
    expect(JSON.parse(await server.consul.value(CLUSTER_KEY))).toEqual({
      active_nodes: ['node1'],
      standby_nodes: ['node2'],
    })
    expect([node1.running, node2.running]).toEqual([BOTH, []])
    expect(await flags()).toEqual(['NULL', 'NULL', 'NULL', 'NULL'])
  })
})
