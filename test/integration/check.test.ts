import { beforeEach, describe, expect, test } from 'vitest'
import {
  type ComparedCheck,
  check,
  comparesAs,
  isListedAs,
  listingOf,
  node1,
  node2,
  node3,
  putJson,
  resetNodes,
  server,
} from '../kit/checked-nodes.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import type { ServiceNode } from '../kit/service-node.ts'
import { CLUSTER_KEY, SERVICE_NAME } from '../kit/service-node.ts'

const tagged = (node: ServiceNode, tags: string[]) =>
  patiently(
    async () => JSON.stringify((await listingOf(node)).Service.Tags) === JSON.stringify(tags),
    () => `${node.name} has not the tags ${tags}`,
  )

describe('a check beside python-powerconsul’s', () => {
  const only = (active: string[], standby: string[]) =>
    putJson(`/kv/${CLUSTER_KEY}`, { active_nodes: active, standby_nodes: standby })
  /** There the original ends with 1: it takes the key for a mistake. */
  const OTHER: [string, ComparedCheck][] = [
    [
      'passes on a primary without standbys',
      { code: 0, before: () => putJson(`/kv/${CLUSTER_KEY}`, { active_nodes: ['node1'] }) },
    ],
    ['is critical on a node that the cluster key doesn’t name', { code: 2, before: () => only(['node2'], ['node3']) }],
  ]
  beforeEach(resetNodes)

  test.each(OTHER)('%s, other than that one', (_, row) => comparesAs(row))
})

describe('a check with --nodns', () => {
  test('tags a standby that rests, without disturbing what Consul knows of it, and a node that runs no more', async () => {
    await resetNodes()
    expect(await check(node2, '--nodns')).toMatchObject({ expects: 'stopped', code: 0 })
    await tagged(node2, ['nodns'])
    const { Service, Checks } = await listingOf(node2)
    expect(Checks.every(({ Status }) => Status === 'passing')).toBe(true)
    await check(node2, '--nodns')
    expect((await listingOf(node2)).Service.ModifyIndex).toBe(Service.ModifyIndex)
    expect(await check(node1, '--nodns')).toMatchObject({ expects: 'running', code: 0 })
    await tagged(node1, [])

    await putJson(`/kv/${CLUSTER_KEY}`, { active_nodes: ['node2'], standby_nodes: ['node1', 'node3'] })
    expect(await check(node2, '--nodns')).toMatchObject({ role: 'active', code: 2 })
    await tagged(node2, ['nodns'])
    await node2.bootServices()
    expect(await check(node2, '--nodns')).toMatchObject({ role: 'active', code: 0 })
    await tagged(node2, [])
  })

  test('keeps the tags that others have given a service which lets them', async () => {
    await resetNodes()
    const service = { ID: SERVICE_NAME, Port: 81, Meta: { rack: '7' }, EnableTagOverride: true, Tags: ['web'] }
    await node3.consul.request('PUT', '/agent/service/register', JSON.stringify({ Name: SERVICE_NAME, ...service }))
    await tagged(node3, ['web'])
    await isListedAs(node3, 'passing')
    const [node] = (
      (await (await server.consul.request('GET', `/catalog/service/${SERVICE_NAME}`)).json()) as {
        Node: string
        Address: string
      }[]
    ).filter(({ Node }) => Node === 'node3')
    await putJson('/catalog/register', {
      Node: 'node3',
      Address: node?.Address,
      SkipNodeUpdate: true,
      Service: { ...service, Service: SERVICE_NAME, Tags: ['web', 'blue'] },
    })
    await check(node3, '--nodns')
    await tagged(node3, ['web', 'blue', 'nodns'])
    expect((await listingOf(node3)).Service).toMatchObject({ Port: 81, Meta: { rack: '7' }, EnableTagOverride: true })
    expect(JSON.stringify(await listingOf(node3))).toContain(`service:${SERVICE_NAME}`)
  })
})

describe('a check with -U', () => {
  test('is told when it is called without the script', async () => {
    const ended = await runLocker(['check', 'service', '-S', SERVICE_NAME, '-U'], { address: node1.agent.address })
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout).error).toBe('--update-roles needs the init script')
  })
})
