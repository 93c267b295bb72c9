import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import {
  type ComparedCheck,
  check,
  comparesAs,
  isListedAs,
  node1,
  node2,
  node3,
  resetNodes,
  server,
} from '../kit/checked-nodes.ts'
import { patiently } from '../kit/locker.ts'
import { CLUSTER_KEY, SERVICE_NAME } from '../kit/service-node.ts'
import { scratch } from '../kit/unique.ts'

const BOTH = ['apache2', 'mysql']

describe('a check beside python-powerconsul’s', () => {
  const rest = () => node1.stopServices()
  const stopRedis = () => execute('/bin/sh', [join(node1.dir, 'services.sh'), 'mysql', 'stop'])
  const SAME: [string, ComparedCheck][] = [
    ['passes on a primary that runs', { code: 0 }],
    ['is critical on a primary that is stopped', { code: 2, before: rest }],
    ['is critical on a primary of whose services some run', { code: 2, before: stopRedis, kind: 'servicegroup' }],
    ['passes on a standby at rest while a primary passes', { code: 0, node: () => node2 }],
    [
      'is critical on a standby that runs while a primary passes',
      { code: 2, node: () => node2, before: () => node2.bootServices() },
    ],
    [
      'is critical on a standby at rest while no primary passes',
      {
        code: 2,
        node: () => node2,
        before: async () => {
          await rest()
          await isListedAs(node1, 'critical')
        },
      },
    ],
    [
      'passes on a node without a cluster key that runs',
      { code: 0, before: () => server.consul.deleteKey(CLUSTER_KEY) },
    ],
    [
      'is critical on a node without a cluster key that is stopped',
      { code: 2, before: () => Promise.all([server.consul.deleteKey(CLUSTER_KEY), rest()]) },
    ],
    [
      'passes while a process runs that -P names',
      { code: 0, before: rest, options: () => ['-P', `${node2.dir}/consul`] },
    ],
    [
      'is critical while none runs that -P names',
      { code: 2, before: rest, options: () => ['-P', 'no-such-process-anywhere-0'] },
    ],
    [
      'passes while a process runs that -R matches',
      { code: 0, before: rest, options: () => ['-R', 'consul-locker-node2-\\w+/consul'] },
    ],
    ['passes while the file of -F stands', { code: 0, before: rest, options: () => ['-F', lockfile()] }],
    [
      'is a warning for a service that the machine has none of',
      { code: 1, node: () => node2, options: () => misspelt },
    ],
  ]
  const misspelt: string[] = []
  const lockfile = () => {
    const file = join(scratch(), 'lock')
    writeFileSync(file, '')
    return file
  }

  beforeAll(async () => {
    const { path } = await program('service', 'init-system-helpers')
    misspelt.push('-s', 'no-such-service', '--service-command', `${path} {service} {action}`)
  })
  beforeEach(resetNodes)

  test.each(SAME)('%s, as that one does', (_, row) => comparesAs(row))
})

describe('a check with -U', () => {
  const roles = async () => JSON.parse(await server.consul.value(CLUSTER_KEY))
  const BEFORE = { active_nodes: ['node1'], standby_nodes: ['node2', 'node3'] }

  test('changes nothing while a primary passes, nor for a standby that hasn’t taken over', async () => {
    await resetNodes()
    expect(await check(node2, '-U')).toMatchObject({ expects: 'stopped', code: 0 })
    node1.killServices()
    await isListedAs(node1, 'critical')
    expect(await check(node2, '-U')).toMatchObject({ expects: 'running', state: 'stopped', code: 2 })
    expect(await roles()).toEqual(BEFORE)
  })

  test('makes the standby primary for good that has taken over, and fences the old one', async () => {
    await resetNodes()
    node1.powerOff()
    await isListedAs(node1, 'critical')
    await node2.bootServices() // By whatever acts on a critical check.
    expect(await check(node2, '-U')).toMatchObject({ role: 'standby', state: 'running', code: 0, tookOver: true })
    expect(await roles()).toEqual({ active_nodes: ['node2'], standby_nodes: ['node1', 'node3'] })
    expect(node2.running).toEqual(BOTH)
    expect(await server.consul.value(`service/${SERVICE_NAME}/node1/demote`)).toBe('START')
    expect(await server.consul.entry(`service/${SERVICE_NAME}/switch`)).toBeUndefined()
    expect(await check(node2, '-U')).toMatchObject({ role: 'active', code: 0 })

    await node1.bootServices()
    await node1.agent.restart()
    await patiently(
      () => node1.running.length === 0,
      () => 'node1 has not stopped its services',
    )
    await isListedAs(node1, 'passing')
  })

  test('makes one of two standbys primary that have both taken over at once', async () => {
    await resetNodes()
    node1.killServices()
    await isListedAs(node1, 'critical')
    await Promise.all([node2.bootServices(), node3.bootServices()])
    const ended = await Promise.all([check(node2, '-U'), check(node3, '-U')])
    const { active_nodes, standby_nodes } = await roles()
    expect(ended.filter(({ tookOver }) => tookOver)).not.toEqual([])
    expect(active_nodes).toHaveLength(1)
    expect([...active_nodes, ...standby_nodes].sort()).toEqual(['node1', 'node2', 'node3'])
  })
})
