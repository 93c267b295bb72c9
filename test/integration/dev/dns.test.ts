import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { freePorts } from '../../../scripts/provide/ports.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { type DevServer, startDevServer } from '../../kit/dev-server.ts'
import { patiently } from '../../kit/locker.ts'

/** Something that answers DNS, and where its HTTP is. */
interface Named {
  readonly http: string
  readonly dns: string
  stop(): Promise<unknown>
}

const AGENTS: Record<string, () => Promise<Named>> = {
  async 'consul-locker dev'() {
    const dns = `127.0.0.1:${(await freePorts()).dns}`
    const server: DevServer = await startDevServer('--dns', dns)
    return { http: server.address, dns, stop: () => server.stop() }
  },
  async 'the real Consul'() {
    const agent: ConsulAgent = await startConsul()
    return { http: agent.address, dns: `127.0.0.1:${agent.ports.dns}`, stop: () => agent.stop() }
  },
}

describe.each(Object.keys(AGENTS))('DNS of %s', (which) => {
  let agent: Named
  let consul: ConsulClient
  let resolver: Resolver

  beforeAll(async () => {
    agent = (await AGENTS[which]?.()) as Named
    consul = new ConsulClient(agent.http)
    resolver = new Resolver({ timeout: 5000, tries: 3 })
    resolver.setServers([agent.dns])
    const register = (body: object) => consul.request('PUT', '/catalog/register', JSON.stringify(body))
    const instance = (Node: string, Address: string, Service: object, Status: string) => {
      const Check = { CheckID: `c-${Node}`, Name: 'c', Status, ServiceID: `db-${Node}` }
      return register({ Node, Address, Service: { ID: `db-${Node}`, Service: 'db', Port: 5432, ...Service }, Check })
    }
    await instance('n1', '10.0.0.1', { Tags: ['master'] }, 'passing')
    await instance('n2', '10.0.0.2', { Tags: ['slave'], Address: '10.1.0.2' }, 'warning')
    await instance('n3', '10.0.0.3', {}, 'critical')
    await register({ Node: 'n6', Address: 'fd00::6', Service: { Service: 'six', Port: 6 } })
    await register({ Node: 'named', Address: '10.0.0.7', Service: { Service: 'outside', Address: 'example.com' } })
    for (let at = 0; at < 60; at++) {
      await register({ Node: `many${at}`, Address: `10.2.0.${at}`, Service: { Service: 'many', Port: 1 } })
    }
  })
  afterAll(() => agent?.stop())

  const code = (asking: Promise<unknown>) =>
    asking.then(
      () => 'answered',
      ({ code }) => code as string,
    )

  test('names nodes', async () => {
    expect(await resolver.resolve4('n1.node.consul')).toEqual(['10.0.0.1'])
    expect(await resolver.resolve4('N1.node.dc1.consul')).toEqual(['10.0.0.1'])
    expect(await resolver.resolve6('n6.node.consul')).toEqual(['fd00::6'])
    expect(await code(resolver.resolve4('n6.node.consul'))).toBe('ENODATA')
    expect(await code(resolver.resolve4('none.node.consul'))).toBe('ENOTFOUND')
    const { json } = {
      json: (await (await consul.request('GET', '/agent/self')).json()) as { Config: { NodeName: string } },
    }
    expect(await resolver.resolve4(`${json.Config.NodeName}.node.consul`)).toEqual(['127.0.0.1'])
  })

  test('names the instances of a service that are not critical, by their own address or their node’s', async () => {
    expect((await resolver.resolve4('db.service.consul')).sort()).toEqual(['10.0.0.1', '10.1.0.2'])
    expect((await resolver.resolve4('DB.service.dc1.consul')).sort()).toEqual(['10.0.0.1', '10.1.0.2'])
    expect(await resolver.resolve4('master.db.service.consul')).toEqual(['10.0.0.1'])
    expect(await resolver.resolve4('_db._slave.service.consul')).toEqual(['10.1.0.2'])
    expect((await resolver.resolve4('_db._tcp.service.consul')).sort()).toEqual(['10.0.0.1', '10.1.0.2'])
    expect(await resolver.resolve6('six.service.consul')).toEqual(['fd00::6'])
    expect(await code(resolver.resolve4('none.service.consul'))).toBe('ENOTFOUND')
    expect(await code(resolver.resolve4('other.db.service.consul'))).toBe('ENOTFOUND')
    expect(await code(resolver.resolve4('nothing.consul'))).toBe('ENOTFOUND')
  })

  test('tells ports, and where, by names that it knows', async () => {
    const records = await resolver.resolveSrv('db.service.consul')
    const found = await Promise.all(
      records.map(async ({ name, port, priority, weight }) => {
        return [await resolver.resolve4(name), port, priority, weight]
      }),
    )
    expect(found.sort()).toEqual([
      [['10.0.0.1'], 5432, 1, 1],
      [['10.1.0.2'], 5432, 1, 1],
    ])
    const [master] = await resolver.resolveSrv('_db._master.service.consul')
    expect(master?.name).toBe('n1.node.dc1.consul')
    expect((await resolver.resolveSrv('outside.service.consul'))[0]?.name).toBe('example.com')
  })

  test('gives three of many in a datagram', async () => {
    const addresses = await resolver.resolve4('many.service.consul')
    expect(addresses.every((address) => address.startsWith('10.2.0.'))).toBe(true)
    expect(addresses).toHaveLength(3)
  })

  test('sees an instance that turns critical', async () => {
    const set = (Status: string) => {
      const Check = { CheckID: 'turning', Name: 'c', Status, ServiceID: 'turning' }
      return consul.request('PUT', '/catalog/register', JSON.stringify({ Node: 'n9', Address: '10.0.0.9', Service: { Service: 'turning' }, Check })) // biome-ignore format: one line
    }
    await set('passing')
    expect(await resolver.resolve4('turning.service.consul')).toEqual(['10.0.0.9'])
    await set('critical')
    await patiently(
      async () => (await code(resolver.resolve4('turning.service.consul'))) === 'ENOTFOUND',
      () => 'it is still named',
    )
  })
})
