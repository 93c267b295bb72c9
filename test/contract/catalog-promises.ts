import { expect, test } from 'vitest'
import type { Client } from './consul-target.ts'

const refusals: [what: string, verb: string, body: object, words: string][] = [
  ['without a node', 'register', { Address: '10.0.0.9' }, 'Must provide node'],
  ['without an address', 'register', { Node: 'n' }, 'Must provide address if SkipNodeUpdate is not set'],
  ['in another datacenter', 'register', { Node: 'n', Address: 'a', Datacenter: 'dc9' }, 'No path to datacenter'],
  ['of nothing', 'deregister', {}, 'Must provide node'],
]

export function catalogPromises(open: () => Client): void {
  test('shows a node that was registered, with service and check', async () => {
    const client = open()
    const node = client.name
    const service = { ID: 'es-1', Service: node, Port: 9200, Tags: ['m'], Address: '10.0.0.10', Meta: { a: 'b' } }
    const check = { Name: 'lives', Status: 'passing', ServiceID: 'es-1', Notes: 'why', Output: 'fine' }
    expect(await client.register({ Node: node, Address: '10.0.0.9', Service: service, Check: check })).toBe('true')
    const { json, index } = await client.read(`/v1/catalog/node/${node}`)
    const shown = { Weights: { Passing: 1, Warning: 1 }, EnableTagOverride: false, ...service }
    const created = json.Node.CreateIndex
    expect(json).toMatchObject({
      Node: { ID: '', Node: node, Address: '10.0.0.9', Datacenter: 'dc1', TaggedAddresses: null, Meta: null },
      Services: { 'es-1': { ...shown, CreateIndex: created, ModifyIndex: created } },
    })
    expect(index).toBeGreaterThanOrEqual(created)
    expect((await client.read(`/v1/catalog/service/${node}`)).json).toMatchObject([
      {
        Node: node,
        Address: '10.0.0.9',
        Datacenter: 'dc1',
        NodeMeta: null,
        ServiceKind: '',
        ServiceID: 'es-1',
        ServiceName: node,
        ServiceTags: ['m'],
        ServiceAddress: '10.0.0.10',
        ServiceWeights: { Passing: 1, Warning: 1 },
        ServiceMeta: { a: 'b' },
        ServicePort: 9200,
        ServiceEnableTagOverride: false,
        CreateIndex: created,
        ModifyIndex: created,
      },
    ])
    const registered = { Node: node, CheckID: 'lives', ...check, ServiceName: node, ServiceTags: ['m'], Type: '' }
    const [instance] = (await client.read(`/v1/health/service/${node}`)).json
    expect(instance).toMatchObject({
      Node: { Node: node, Address: '10.0.0.9' },
      Service: shown,
      Checks: [{ ...registered, Definition: {}, CreateIndex: created, ModifyIndex: created }],
    })
    expect((await client.read('/v1/catalog/nodes')).json).toContainEqual(json.Node)
  })

  test('leaves what is registered again as it is', async () => {
    const client = open()
    const node = client.name
    const check = { CheckID: 'c', Name: 'c', Status: 'passing' }
    const all = { Node: node, Address: '10.0.0.9', Service: { Service: node, Tags: ['a'] }, Check: check }
    await client.register(all)
    const before = await client.read(`/v1/health/service/${node}`)
    await client.register(all)
    expect(await client.read(`/v1/health/service/${node}`)).toEqual(before)
    await client.register({ ...all, Service: { Service: node, Tags: ['b'] } })
    const after = await client.read(`/v1/health/service/${node}`)
    expect(after.index).toBeGreaterThan(before.index)
    const { CreateIndex, ModifyIndex } = after.json[0].Service
    expect(CreateIndex).toBe(before.json[0].Service.CreateIndex)
    expect(ModifyIndex).toBeGreaterThan(before.json[0].Service.ModifyIndex)
    expect(after.json[0].Checks).toEqual(before.json[0].Checks)
  })

  test('forgets a check, a service with its checks, a node with all that is on it', async () => {
    const client = open()
    const node = client.name
    const checks = ['a', 'b'].map((CheckID) => ({ CheckID, Name: CheckID, Status: 'passing', ServiceID: node }))
    await client.register({ Node: node, Address: '10.0.0.9', Service: { Service: node }, Checks: checks })
    const left = async () => (await client.read(`/v1/health/node/${node}`)).json.map(({ CheckID }: never) => CheckID)
    expect(await left()).toEqual(['a', 'b'])
    for (let time = 1; time <= 2; time++) {
      expect(await client.deregister({ Node: node, CheckID: 'a' })).toBe('true')
      expect(await left()).toEqual(['b'])
    }
    await client.deregister({ Node: node, ServiceID: node })
    expect(await left()).toEqual([])
    expect((await client.read(`/v1/catalog/node/${node}`)).json).toMatchObject({ Node: { Node: node }, Services: {} })
    await client.deregister({ Node: node })
    expect((await client.read(`/v1/catalog/node/${node}`)).json).toBeNull()
    expect((await client.read(`/v1/catalog/node-services/${node}`)).json).toEqual({ Node: null, Services: null })
    expect(await client.deregister({ Node: node })).toBe('true')
  })

  test('keeps a node as it is for who says so', async () => {
    const client = open()
    const node = client.name
    await client.register({ Node: node, Address: '10.0.0.9', NodeMeta: { rack: '1' } })
    await client.register({ Node: node, SkipNodeUpdate: true, Service: { Service: node } })
    const { json } = await client.read(`/v1/catalog/node/${node}`)
    expect(json).toMatchObject({ Node: { Address: '10.0.0.9', Meta: { rack: '1' } }, Services: { [node]: {} } })
  })

  test('lists services with their tags, and instances by tags in any case', async () => {
    const client = open()
    const name = client.name
    for (const [at, Tags] of [['x'], ['x', 'y']].entries()) {
      await client.register({ Node: name, Address: 'a', Service: { ID: `${name}-${at}`, Service: name, Tags } })
    }
    const { json } = await client.read('/v1/catalog/services')
    expect([...json[name]].sort()).toEqual(['x', 'y'])
    const ids = async (path: string) => (await client.read(path)).json.map(({ ServiceID }: never) => ServiceID)
    expect(await ids(`/v1/catalog/service/${name}`)).toEqual([`${name}-0`, `${name}-1`])
    expect(await ids(`/v1/catalog/service/${name}?tag=Y`)).toEqual([`${name}-1`])
    expect(await ids(`/v1/catalog/service/${name}?tag=x&tag=y`)).toEqual([`${name}-1`])
    expect(await ids(`/v1/catalog/service/${name}?tag=z`)).toEqual([])
  })

  test('finds nodes by their meta data', async () => {
    const client = open()
    const node = client.name
    await client.register({ Node: node, Address: 'a', NodeMeta: { rack: node }, Service: { Service: node } })
    const { json } = await client.read(`/v1/catalog/nodes?node-meta=rack:${node}`)
    expect(json.map(({ Node }: never) => Node)).toEqual([node])
    expect((await client.read(`/v1/catalog/services?node-meta=rack:${node}`)).json).toEqual({ [node]: [] })
    expect((await client.read(`/v1/catalog/service/${node}?node-meta=rack:other`)).json).toEqual([])
  })

  test.for(refusals)('refuses a registration, or its end, %s', async ([, verb, body, words]) => {
    const { status, text } = await open().put(`/v1/catalog/${verb}`, JSON.stringify(body))
    expect([status, text]).toEqual([500, words])
  })

  test('refuses a check of a service that is not there', async () => {
    const client = open()
    const node = client.name
    const Check = { Name: 'c', ServiceID: 'none', Status: 'passing' }
    const words = `failed inserting check: Missing service registration on node "${node}"`
    expect(await client.register({ Node: node, Address: 'a', Check })).toBe(words)
  })

  test('refuses what is no JSON, and another method', async () => {
    const client = open()
    const odd = await client.put('/v1/catalog/register', 'oops')
    expect([odd.status, odd.text]).toEqual([400, expect.stringMatching(/^Request decode failed: invalid character/)])
    const get = await client.get('/v1/catalog/register')
    expect([get.status, get.text]).toEqual([405, 'method GET not allowed'])
    expect((await client.get('/v1/catalog/bogus')).status).toBe(404)
    expect((await client.get('/v1/catalog/service/')).text).toBe('Missing service name')
  })

  test('is of one datacenter, and knows no way to another', async () => {
    const client = open()
    expect((await client.read('/v1/catalog/datacenters')).json).toEqual(['dc1'])
    expect((await client.get('/v1/catalog/nodes?dc=dc1')).status).toBe(200)
    const other = await client.get('/v1/catalog/nodes?dc=dc9')
    expect([other.status, other.text]).toEqual([500, 'No path to datacenter'])
    const kv = await client.get('/v1/kv/a?dc=dc9')
    expect([kv.status, kv.text]).toEqual([500, 'No path to datacenter'])
    expect((await client.get('/v1/kv/a?ns=x')).text).toContain('Namespaces are a Consul Enterprise feature')
  })
}
