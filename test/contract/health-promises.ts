import { expect, test } from 'vitest'
import type { Client, Reply } from './consul-target.ts'

const check = (Status: string, about: object = {}) => ({ CheckID: 'c', Name: 'c', Status, ...about })

/** A node with one instance of a service, both of the client's name, and a check of the instance. */
function scene(client: Client, about: object = {}) {
  const name = client.name
  return client.register({
    Node: name,
    Address: '10.0.0.9',
    Service: { Service: name, Tags: ['a'] },
    Check: check('passing', { ServiceID: name }),
    ...about,
  })
}

const changes: [what: string, change: (client: Client) => Promise<unknown>][] = [
  ['a check turns', (client) => scene(client, { Check: check('critical', { ServiceID: client.name }) })],
  ["a check's output changes", (client) => scene(client, { Check: check('passing', { ServiceID: client.name, Output: 'x' }) })], // biome-ignore format: one line
  ['a check goes', (client) => client.deregister({ Node: client.name, CheckID: 'c' })],
  ['the tags change', (client) => scene(client, { Service: { Service: client.name, Tags: ['b'] } })],
  ['another instance comes', (client) => scene(client, { Service: { ID: 'other', Service: client.name } })],
  ['the instance goes', (client) => client.deregister({ Node: client.name, ServiceID: client.name })],
  ['its node moves', (client) => scene(client, { Address: '10.0.0.10' })],
  ['a check of its node comes', (client) => scene(client, { Check: check('passing', { CheckID: 'node' }) })],
  ['its node goes', (client) => client.deregister({ Node: client.name })],
]

const nothings: [what: string, change: (client: Client) => Promise<unknown>][] = [
  ['it is registered again as it is', (client) => scene(client)],
  ['another service comes', (client) => scene(client, { Service: { Service: `${client.name}-other` } })],
  ['a key is written', (client) => client.write()],
]

const ARRIVAL_MS = 100

export function healthPromises(open: () => Client): void {
  /** Reads the service's health from where it stands, does `change` meanwhile. */
  async function readDuring(
    client: Client,
    wait: string,
    change: () => Promise<unknown>,
  ): Promise<[Reply, number, number]> {
    const { index } = await client.get(`/v1/health/service/${client.name}`)
    const startMs = client.target.nowMs()
    const reading = client.get(`/v1/health/service/${client.name}?index=${index}&wait=${wait}`)
    await client.target.pass(ARRIVAL_MS)
    await change()
    const reply = await client.target.during(reading)
    return [reply, index, client.target.nowMs() - startMs]
  }

  test.for(changes)('tells who waits when %s', async ([, change]) => {
    const client = open()
    await scene(client)
    const [reply, index, tookMs] = await readDuring(client, '30s', () => change(client))
    expect(reply.status).toBe(200)
    expect(reply.index).toBeGreaterThan(index)
    expect(tookMs).toBeLessThan(5000)
  })

  test.for(nothings)('does not tell who waits when %s', async ([, change]) => {
    const client = open()
    await scene(client)
    const [reply, index, tookMs] = await readDuring(client, '1s', () => change(client))
    expect(reply.index).toBe(index)
    expect(tookMs).toBeGreaterThanOrEqual(990)
  })

  test('tells who waits for a service that was not there', async () => {
    const client = open()
    const arrived = async () => {
      let { index } = await client.get(`/v1/health/service/${client.name}`)
      for (;;) {
        const { text, index: next } = await client.get(`/v1/health/service/${client.name}?index=${index}&wait=30s`)
        if (JSON.parse(text).length > 0) return JSON.parse(text)
        index = next
      }
    }
    const reading = arrived()
    await client.target.pass(ARRIVAL_MS)
    await scene(client)
    expect(await client.target.during(reading)).toMatchObject([{ Service: { Service: client.name } }])
  })

  test.for([
    ['passing', 1],
    ['warning', 0],
    ['critical', 0],
  ] as const)('with ?passing shows instances whose checks all pass: %s', async ([status, count]) => {
    const client = open()
    const service = { ServiceID: client.name }
    await scene(client, { Checks: [check(status, { ...service, CheckID: 'other' })] })
    const instances = async (query: string) => {
      return (await client.read(`/v1/health/service/${client.name}${query}`)).json
    }
    expect(await instances('')).toHaveLength(1)
    expect(await instances('?passing')).toHaveLength(count)
    expect(await instances('?passing=true&tag=a')).toHaveLength(count)
    expect(await instances('?passing=false')).toHaveLength(1)
    expect(await instances('?passing&tag=b')).toHaveLength(0)
    const odd = await client.get(`/v1/health/service/${client.name}?passing=perhaps`)
    expect([odd.status, odd.text]).toEqual([400, 'Invalid value for ?passing'])
  })

  test("counts a node's checks among those of each of its instances", async () => {
    const client = open()
    await scene(client)
    await scene(client, { Check: check('critical', { CheckID: 'disk' }) })
    const [instance] = (await client.read(`/v1/health/service/${client.name}`)).json
    expect(instance.Checks.map(({ CheckID }: never) => CheckID)).toEqual(['disk', 'c'])
    expect((await client.read(`/v1/health/service/${client.name}?passing`)).json).toEqual([])
  })

  test('lists checks by service, by node and by state', async () => {
    const client = open()
    const name = client.name
    const service = { ServiceID: name }
    await scene(client, {
      Checks: [check('warning', { ...service, CheckID: 'w' }), check('critical', { CheckID: 'n' })],
    })
    const ids = async (path: string) => {
      const { json } = await client.read(path)
      return json.filter(({ Node }: never) => Node === name).map(({ CheckID }: never) => CheckID)
    }
    expect(await ids(`/v1/health/checks/${name}`)).toEqual(['c', 'w'])
    expect(await ids(`/v1/health/node/${name}`)).toEqual(['c', 'n', 'w'])
    expect(await ids('/v1/health/state/any')).toEqual(['c', 'n', 'w'])
    expect(await ids('/v1/health/state/warning')).toEqual(['w'])
    expect(await ids('/v1/health/state/critical')).toEqual(['n'])
    expect(await ids('/v1/health/state/bogus')).toEqual([])
  })

  test('of what is not there is an empty list', async () => {
    const client = open()
    for (const path of ['service', 'checks', 'node']) {
      expect(await client.read(`/v1/health/${path}/${client.name}`)).toMatchObject({ status: 200, json: [] })
    }
    for (const [path, what] of [
      ['service', 'service name'],
      ['checks', 'service name'],
      ['node', 'node name'],
      ['state', 'check state'],
    ]) {
      // biome-ignore format: one line
      const none = await client.get(`/v1/health/${path}/`)
      expect([none.status, none.text]).toEqual([400, `Missing ${what}`])
    }
    expect((await client.get('/v1/health/bogus')).status).toBe(404)
  })
}
