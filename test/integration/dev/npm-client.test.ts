import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import Consul from 'consul'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../../scripts/provide/agent.ts'
import { startDevServer } from '../../kit/dev-server.ts'
import { patiently } from '../../kit/locker.ts'
import { startTarget } from '../../kit/target.ts'

/*
 * The acceptance cases of npm's package `consul` (github.com/silas/node-consul, test/acceptance), which its authors run
 * on a cluster of Consul's. Left out are those about other members, events, and its own arguments and retries.
 */

const AGENTS = { 'consul-locker dev': () => startDevServer(), 'the real Consul': () => startConsul() }

describe.each(['consul-locker dev', 'the real Consul'] as const)('npm’s consul at %s', (which) => {
  let agent: { readonly address: string; stop(): Promise<unknown> }
  let consul: Consul

  beforeAll(async () => {
    agent = await AGENTS[which]()
    const { hostname: host, port } = new URL(agent.address)
    consul = new Consul({ host, port: Number(port) })
  })
  afterAll(async () => {
    consul.destroy()
    await agent.stop()
  })

  const nodeName = async () => (await consul.agent.self()).Config.NodeName as string

  describe('agent', () => {
    test('members, self', async () => {
      const self = await consul.agent.self()
      expect(self).toMatchObject({ Config: { Server: true, Datacenter: 'dc1' }, Member: { Addr: '127.0.0.1' } })
      const members = await consul.agent.members()
      expect(members.map(({ Name }) => Name)).toEqual([self.Config.NodeName])
    })

    test('maintenance', async () => {
      const id = '_node_maintenance'
      expect(await consul.agent.checks()).not.toHaveProperty(id)
      await consul.agent.maintenance(true)
      expect((await consul.agent.checks())[id]).toMatchObject({ Status: 'critical' })
      await consul.agent.maintenance({ enable: false })
      expect(await consul.agent.checks()).not.toHaveProperty(id)
    })

    test('check: register, list, pass, warn, fail, deregister', async () => {
      const name = `check-${randomUUID()}`
      const { check } = consul.agent
      await check.register({ name, ttl: '10s' } as Parameters<typeof check.register>[0])
      const status = async () => (await check.list())[name]?.Status
      expect(await status()).toBe('critical')
      await check.pass(name)
      expect(await status()).toBe('passing')
      await check.warn(name)
      expect(await status()).toBe('warning')
      await check.fail(name)
      expect(await status()).toBe('critical')
      await check.deregister(name)
      expect(await status()).toBeUndefined()
    })

    test('service: register, list, deregister, with an HTTP check, maintenance', async () => {
      const name = `service-${randomUUID()}`
      const { service } = consul.agent
      const target = await startTarget()
      const check = { http: target.url, interval: '1s', timeout: '1s', notes: 'simple http check' }
      await service.register({ name, check } as unknown as Parameters<typeof service.register>[0])
      expect(await service.list()).toHaveProperty(name)
      expect((await consul.agent.check.list())[`service:${name}`]).toMatchObject({ Notes: check.notes })
      await patiently(
        async () => (await consul.agent.check.list())[`service:${name}`]?.Status === 'passing',
        () => 'its check does not pass',
      )
      const mark = `_service_maintenance:${name}`
      await service.maintenance({ id: name, enable: true })
      expect((await consul.agent.check.list())[mark]).toMatchObject({ Status: 'critical' })
      await service.maintenance({ id: name, enable: false })
      expect(await consul.agent.check.list()).not.toHaveProperty(mark)
      await service.deregister(name)
      expect(await service.list()).not.toHaveProperty(name)
    })

    test('service with a script check: is refused, and told why', async () => {
      const { service } = consul.agent
      const check = { args: ['sh', '-c', 'true'], interval: '30s', timeout: '1s' }
      const about = { name: 'scripted', check } as unknown as Parameters<typeof service.register>[0]
      await expect(service.register(about)).rejects.toThrow(
        which === 'the real Consul' ? /internal server error/ : /Args needs a real Consul/,
      )
      expect(await service.list()).not.toHaveProperty('scripted')
    })
  })

  describe('catalog, health, status', () => {
    const name = `service-${randomUUID()}`
    const tag = `tag-${randomUUID()}`

    beforeAll(() => consul.agent.service.register({ name, tags: [tag] }))
    afterAll(() => consul.agent.service.deregister(name))

    test('datacenters, nodes, services of a node, services, nodes of a service', async () => {
      const node = await nodeName()
      expect(await consul.catalog.datacenters()).toEqual(['dc1'])
      expect(await consul.catalog.node.list()).toMatchObject([{ Node: node, Address: '127.0.0.1' }])
      expect(await consul.catalog.nodes('dc1')).toMatchObject([{ Node: node }])
      const { Services } = await consul.catalog.node.services(node)
      expect(Services[name]).toMatchObject({ ID: name, Service: name, Tags: [tag] })
      expect(await consul.catalog.service.list()).toEqual({ consul: [], [name]: [tag] })
      const nodes = await consul.catalog.service.nodes(name)
      expect(nodes.map(({ Node }: { Node: string }) => Node)).toEqual([node])
    })

    test('health: of a node, checks, a service, a state', async () => {
      const node = await nodeName()
      expect(await consul.health.node(node)).toMatchObject([{ Node: node, CheckID: 'serfHealth', Status: 'passing' }])
      expect(await consul.health.checks(name)).toEqual([])
      const [instance] = await consul.health.service({ service: name, passing: true })
      expect(instance).toMatchObject({ Node: { Node: node }, Service: { Service: name }, Checks: [{ Node: node }] })
      expect(await consul.health.state('critical')).toEqual([])
      expect((await consul.health.state('any')).map(({ CheckID }) => CheckID)).toContain('serfHealth')
    })

    test('leader, peers', async () => {
      const leader = (await consul.agent.self()).Stats.consul.leader_addr
      expect(await consul.status.leader()).toBe(leader)
      expect(await consul.status.peers()).toEqual([leader])
    })
  })

  describe('kv', () => {
    test('get: one, raw, none, recursively, and after an update', async () => {
      await consul.kv.set('get/hello', 'world')
      expect(await consul.kv.get('get/hello')).toMatchObject({ Key: 'get/hello', Flags: 0, Value: 'world' })
      expect(await consul.kv.get({ key: 'get/hello', raw: true })).toEqual(Buffer.from('world'))
      expect(await consul.kv.get('get/none')).toBeFalsy()
      expect(await consul.kv.get({ key: 'get/', recurse: true })).toMatchObject([{ Key: 'get/hello', Value: 'world' }])
      const before = await consul.kv.get('get/hello')
      const wait = { key: 'get/hello', index: String(before?.ModifyIndex), wait: '30s' }
      const waiting = consul.kv.get(wait)
      await consul.kv.set('get/hello', 'new-value')
      expect((await waiting)?.Value).toBe('new-value')
    })

    test('keys: below a prefix, with a separator, and all', async () => {
      const keys = ['keys/x/1', 'keys/y/2', 'keys/z/3']
      for (const key of keys) await consul.kv.set(key, 'value')
      expect(await consul.kv.keys('keys')).toEqual(keys)
      expect(await consul.kv.keys({ key: 'keys/', separator: '/' })).toEqual(['keys/x/', 'keys/y/', 'keys/z/'])
      expect(await consul.kv.keys()).toEqual(expect.arrayContaining(keys))
    })

    test('set: a text, bytes, nothing; del', async () => {
      const bytes = Buffer.from([0, 255, 128, 10, 13])
      expect(await consul.kv.set('set/one', 'two')).toBe(true)
      expect(await consul.kv.set('set/bytes', bytes)).toBe(true)
      expect(await consul.kv.get({ key: 'set/bytes', raw: true })).toEqual(bytes)
      expect(await consul.kv.set('set/null', null as unknown as string)).toBe(true)
      expect((await consul.kv.get('set/null'))?.Value).toBeNull()
      expect(await consul.kv.del('set/one')).toBe(true)
      expect(await consul.kv.get('set/one')).toBeFalsy()
      expect(await consul.kv.del({ key: 'set/', recurse: true })).toBe(true)
    })

    test('transaction: creates two pairs', async () => {
      const set = (Key: string, Value: string) => ({
        KV: { Verb: 'set', Key, Value: Buffer.from(Value).toString('base64') },
      })
      const { Results } = await consul.transaction.create([set('txn/1', 'a'), set('txn/2', 'b')] as never)
      expect(Results).toMatchObject([{ KV: { Key: 'txn/1', Flags: 0 } }, { KV: { Key: 'txn/2' } }])
      expect((await consul.kv.get('txn/2'))?.Value).toBe('b')
    })
  })

  describe('session', () => {
    const shown = { CreateIndex: expect.any(Number), Name: '', LockDelay: 15e9, Behavior: 'release', TTL: '' }

    test('create, get, node, list, renew, destroy', async () => {
      const { ID } = await consul.session.create()
      const node = await nodeName()
      const about = { ID, Node: node, NodeChecks: ['serfHealth'], ...shown }
      expect(await consul.session.get(ID)).toMatchObject(about)
      expect(await consul.session.node(node)).toContainEqual(expect.objectContaining(about))
      expect(await consul.session.node('none')).toEqual([])
      expect(await consul.session.list()).toContainEqual(expect.objectContaining(about))
      expect(await consul.session.renew(ID)).toMatchObject([about])
      await consul.session.destroy(ID)
      expect(await consul.session.get(ID)).toBeFalsy()
    })

    test('a lock by acquire and release', async () => {
      const [mine, yours] = [await consul.session.create({ lockdelay: '0s' }), await consul.session.create()]
      const acquire = (session: string) => consul.kv.set({ key: 'lock', value: 'v', acquire: session })
      expect([await acquire(mine.ID), await acquire(yours.ID)].map(Boolean)).toEqual([true, false])
      expect(await consul.kv.set({ key: 'lock', value: 'v', release: mine.ID })).toBe(true)
      expect(await acquire(yours.ID)).toBe(true)
    })
  })

  test('watch: tells each change of a key', async () => {
    const watch = consul.watch({ method: consul.kv.get, options: { key: 'watched' } })
    onTestFinished(() => watch.end())
    const errors: unknown[] = []
    watch.on('error', (error) => errors.push(error))
    const changed = async () => (await once(watch, 'change'))[0]?.Value
    expect(await changed()).toBeUndefined()
    for (const value of ['1', '2', '3']) {
      const next = changed()
      await consul.kv.set('watched', value)
      expect(await next).toBe(value)
    }
    const gone = changed()
    await consul.kv.del('watched')
    expect(await gone).toBeUndefined()
    expect(errors).toEqual([])
  })
})

test('npm’s consul is told at consul-locker dev that there are no events and no prepared queries', async () => {
  const server = await startDevServer()
  onTestFinished(async () => void (await server.stop()))
  const { hostname: host, port } = new URL(server.address)
  const consul = new Consul({ host, port: Number(port) })
  await expect(consul.event.fire('test')).rejects.toThrow(/has no events/)
  await expect(consul.query.list()).rejects.toThrow(/has no prepared queries/)
})
