import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { ServiceNode } from '../kit/service-node.ts'
import { scratch } from '../kit/unique.ts'

const BOTH = ['apache2', 'mysql']
const NAME = 'myserviceConsulName'
const KEY = `cluster/production/${NAME}`

let server: ServiceNode
let node1: ServiceNode
let node2: ServiceNode
let node3: ServiceNode

const check = async (node: ServiceNode, ...options: string[]) => {
  const ended = await runLocker(['check', 'service', '-f', node.script, ...options], { address: node.agent.address })
  expect(ended.stderr).toBe('')
  return { code: ended.code, ...JSON.parse(ended.stdout) }
}

async function put(path: string, value: unknown): Promise<void> {
  const reply = await server.consul.request('PUT', path, JSON.stringify(value))
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`)
}

interface Listed {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly Tags: string[]; readonly Port: number; readonly ModifyIndex: number }
  readonly Checks: readonly { readonly Status: string }[]
}

async function listed(node: ServiceNode): Promise<Listed> {
  const all = (await (await server.consul.request('GET', `/health/service/${NAME}`)).json()) as Listed[]
  const found = all.find(({ Node }) => Node.Node === node.name)
  if (!found) throw new Error(`${node.name} is not listed`)
  return found
}

const isHeld = (node: ServiceNode, status: string) =>
  patiently(
    async () =>
      (await listed(node).catch(() => undefined))?.Checks.every(
        ({ Status }) => Status === status || status !== 'passing',
      ) && (await listed(node)).Checks.some(({ Status }) => Status === status),
    () => `${node.name} is not ${status}`,
  )

const tagged = (node: ServiceNode, tags: string[]) =>
  patiently(
    async () => JSON.stringify((await listed(node)).Service.Tags) === JSON.stringify(tags),
    () => `${node.name} has not the tags ${tags}`,
  )

/** node1 runs and passes, the others rest and pass. */
async function begin(): Promise<void> {
  await server.consul.request('DELETE', `/kv/service/${NAME}?recurse`)
  await put(`/kv/${KEY}`, { active_nodes: ['node1'], standby_nodes: ['node2', 'node3'] })
  for (const node of [node1, node2, node3]) await node.stopServices()
  await node1.bootServices()
  for (const node of [node1, node2, node3]) await isHeld(node, 'passing')
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

describe('a check beside python-powerconsul’s', () => {
  const only = (active: string[], standby: string[]) =>
    put(`/kv/${KEY}`, { active_nodes: active, standby_nodes: standby })
  const rest = () => node1.stopServices()
  const stopRedis = () => execute('/bin/sh', [join(node1.dir, 'services.sh'), 'mysql', 'stop'])
  interface Row {
    readonly code: 0 | 1 | 2
    readonly node?: () => ServiceNode
    readonly before?: () => Promise<unknown>
    readonly kind?: string
    readonly options?: () => string[]
  }
  const SAME: [string, Row][] = [
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
          await isHeld(node1, 'critical')
        },
      },
    ],
    ['passes on a node without a cluster key that runs', { code: 0, before: () => server.consul.deleteKey(KEY) }],
    [
      'is critical on a node without a cluster key that is stopped',
      { code: 2, before: () => Promise.all([server.consul.deleteKey(KEY), rest()]) },
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
  /** There the original ends with 1: it takes the key for a mistake. */
  const OTHER: [string, Row][] = [
    ['passes on a primary without standbys', { code: 0, before: () => put(`/kv/${KEY}`, { active_nodes: ['node1'] }) }],
    ['is critical on a node that the cluster key doesn’t name', { code: 2, before: () => only(['node2'], ['node3']) }],
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
  beforeEach(begin)

  async function look({
    code,
    node = () => node1,
    before = async () => {},
    kind = 'service',
    options,
  }: Row): Promise<void> {
    await before()
    const { dir, agent } = node()
    const local = ['-s', 'apache2,mysql', '--service-command', `/bin/sh ${dir}/services.sh {service} {action}`]
    const given = options?.() ?? []
    const words = ['check', kind, '-S', NAME, ...(given.includes('-s') ? [] : local), ...given]
    const ended = await runLocker(words, { address: agent.address })
    expect([ended.code, JSON.parse(ended.stdout).code]).toEqual([code, code])
  }

  test.each(SAME)('%s, as that one does', (_, row) => look(row))

  test.each(OTHER)('%s, other than that one', (_, row) => look(row))
})

describe('a check with --nodns', () => {
  test('tags a standby that rests, without disturbing what Consul knows of it, and a node that runs no more', async () => {
    await begin()
    expect(await check(node2, '--nodns')).toMatchObject({ expects: 'stopped', code: 0 })
    await tagged(node2, ['nodns'])
    const { Service, Checks } = await listed(node2)
    expect(Checks.every(({ Status }) => Status === 'passing')).toBe(true)
    await check(node2, '--nodns')
    expect((await listed(node2)).Service.ModifyIndex).toBe(Service.ModifyIndex)
    expect(await check(node1, '--nodns')).toMatchObject({ expects: 'running', code: 0 })
    await tagged(node1, [])

    await put(`/kv/${KEY}`, { active_nodes: ['node2'], standby_nodes: ['node1', 'node3'] })
    expect(await check(node2, '--nodns')).toMatchObject({ role: 'active', code: 2 })
    await tagged(node2, ['nodns'])
    await node2.bootServices()
    expect(await check(node2, '--nodns')).toMatchObject({ role: 'active', code: 0 })
    await tagged(node2, [])
  })

  test('keeps the tags that others have given a service which lets them', async () => {
    await begin()
    const service = { ID: NAME, Port: 81, Meta: { rack: '7' }, EnableTagOverride: true, Tags: ['web'] }
    await node3.consul.request('PUT', '/agent/service/register', JSON.stringify({ Name: NAME, ...service }))
    await tagged(node3, ['web'])
    await isHeld(node3, 'passing')
    const [node] = (
      (await (await server.consul.request('GET', `/catalog/service/${NAME}`)).json()) as {
        Node: string
        Address: string
      }[]
    ).filter(({ Node }) => Node === 'node3')
    await put('/catalog/register', {
      Node: 'node3',
      Address: node?.Address,
      SkipNodeUpdate: true,
      Service: { ...service, Service: NAME, Tags: ['web', 'blue'] },
    })
    await check(node3, '--nodns')
    await tagged(node3, ['web', 'blue', 'nodns'])
    expect((await listed(node3)).Service).toMatchObject({ Port: 81, Meta: { rack: '7' }, EnableTagOverride: true })
    expect(JSON.stringify(await listed(node3))).toContain(`service:${NAME}`)
  })
})

describe('a check with -U', () => {
  const roles = async () => JSON.parse(await server.consul.value(KEY))
  const BEFORE = { active_nodes: ['node1'], standby_nodes: ['node2', 'node3'] }

  test('changes nothing while a primary passes, nor for a standby that hasn’t taken over', async () => {
    await begin()
    expect(await check(node2, '-U')).toMatchObject({ expects: 'stopped', code: 0 })
    node1.killServices()
    await isHeld(node1, 'critical')
    expect(await check(node2, '-U')).toMatchObject({ expects: 'running', state: 'stopped', code: 2 })
    expect(await roles()).toEqual(BEFORE)
  })

  test('makes the standby primary for good that has taken over, and fences the old one', async () => {
    await begin()
    node1.powerOff()
    await isHeld(node1, 'critical')
    await node2.bootServices() // By whatever acts on a critical check.
    expect(await check(node2, '-U')).toMatchObject({ role: 'standby', state: 'running', code: 0, tookOver: true })
    expect(await roles()).toEqual({ active_nodes: ['node2'], standby_nodes: ['node1', 'node3'] })
    expect(node2.running).toEqual(BOTH)
    expect(await server.consul.value(`service/${NAME}/node1/demote`)).toBe('START')
    expect(await server.consul.entry(`service/${NAME}/switch`)).toBeUndefined()
    expect(await check(node2, '-U')).toMatchObject({ role: 'active', code: 0 })

    await node1.bootServices()
    await node1.agent.restart()
    await patiently(
      () => node1.running.length === 0,
      () => 'node1 has not stopped its services',
    )
    await isHeld(node1, 'passing')
  })

  test('makes one of two standbys primary that have both taken over at once', async () => {
    await begin()
    node1.killServices()
    await isHeld(node1, 'critical')
    await Promise.all([node2.bootServices(), node3.bootServices()])
    const ended = await Promise.all([check(node2, '-U'), check(node3, '-U')])
    const { active_nodes, standby_nodes } = await roles()
    expect(ended.filter(({ tookOver }) => tookOver)).not.toEqual([])
    expect(active_nodes).toHaveLength(1)
    expect([...active_nodes, ...standby_nodes].sort()).toEqual(['node1', 'node2', 'node3'])
  })

  test('is told when it is called without the script', async () => {
    const ended = await runLocker(['check', 'service', '-S', NAME, '-U'], { address: node1.agent.address })
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout).error).toBe('--update-roles needs the init script')
  })
})
