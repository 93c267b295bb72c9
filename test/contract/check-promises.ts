import { expect, test } from 'vitest'
import type { Client } from './consul-target.ts'
import { registeredService } from './services.ts'

export function checkPromises(open: () => Client): void {
  const checkOf = async (client: Client, id: string) => (await client.read('/v1/agent/checks')).json[id]

  test('has an id and a name of the agent where it brings none', async () => {
    const client = open()
    const own = { CheckID: client.name, Name: 'n', TTL: '1h', Notes: 'why' }
    const { id, name } = await registeredService(client, { Check: own, Checks: [{ TTL: '1h' }] })
    const { json } = await client.read('/v1/agent/checks')
    const about = { ServiceID: id, ServiceName: name, Status: 'critical', Type: 'ttl', Output: '' }
    expect(json[client.name]).toMatchObject({ Name: 'n', Notes: 'why', ...about })
    const other = Object.keys(json).filter((key) => key.startsWith(`service:${id}:`))
    expect(other).toHaveLength(1)
    expect(json[other[0] ?? '']).toMatchObject({ Name: `Service '${name}' check`, ...about })
  })

  test('is told how it is, in the agent and in the catalog', async () => {
    const client = open()
    const { id, name } = await registeredService(client, { Check: { TTL: '1h' } })
    const states: [verb: string, status: string, body?: string][] = [
      ['pass/#?note=fine', 'passing'],
      ['warn/#?note=hmm', 'warning'],
      ['fail/#', 'critical'],
      ['update/#', 'passing', '{"Status":"passing","Output":"by hand"}'],
    ]
    for (const [verb, status, body] of states) {
      const { status: code } = await client.put(`/v1/agent/check/${verb.replace('#', `service:${id}`)}`, body)
      expect(code).toBe(200)
      expect(await checkOf(client, `service:${id}`)).toMatchObject({ Status: status })
      await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === status)
    }
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Output: 'by hand' })
  })

  test('that is not there, or is not told, refuses; so it does a status that is none', async () => {
    const client = open()
    const none = await client.put('/v1/agent/check/pass/none')
    expect([none.status, none.text]).toEqual([500, 'CheckID "none" does not have associated TTL'])
    const odd = await client.put('/v1/agent/check/update/none', '{"Status":"odd"}')
    expect([odd.status, odd.text]).toEqual([400, "Invalid check status: 'odd'"])
    expect((await client.put('/v1/agent/check/deregister/none')).status).toBe(200)
  })

  test('turns critical when nobody tells for its TTL, and says what it heard last', async () => {
    const client = open()
    const { id, name } = await registeredService(client, { Check: { TTL: '1s', Status: 'passing' } })
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Status: 'passing' })
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === 'critical')
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Output: 'TTL expired' })
    await client.put(`/v1/agent/check/pass/service:${id}?note=last`)
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === 'passing')
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === 'critical')
    const words = 'TTL expired (last output before timeout follows): last'
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Output: words })
  })

  test('keeps its status when its service is registered again, with it or without', async () => {
    const client = open()
    const Check = { TTL: '1h', Status: 'critical' }
    const { id } = await registeredService(client, { Check })
    await client.put(`/v1/agent/check/pass/service:${id}?note=fine`)
    await registeredService(client, { Check, Tags: ['new'] })
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Status: 'passing', Output: 'fine' })
    await registeredService(client, { Tags: ['newer'] })
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Status: 'passing', Output: 'fine' })
  })

  test('goes when its service is to have no others than those it names', async () => {
    const client = open()
    const name = client.name
    await registeredService(client, { Checks: ['a', 'b'].map((id) => ({ CheckID: name + id, TTL: '1h' })) })
    const only = { ID: `${name}-1`, Name: name, Check: { CheckID: `${name}a`, TTL: '1h' } }
    await client.put('/v1/agent/service/register?replace-existing-checks=true', JSON.stringify(only))
    const { json } = await client.readUntil(`/v1/health/checks/${name}`, (list) => list.length === 1)
    expect(json[0].CheckID).toBe(`${name}a`)
  })

  test("can be a node's own, or one that is added to a service", async () => {
    const client = open()
    const { id, node } = await registeredService(client)
    const add = (about: object) => client.put('/v1/agent/check/register', JSON.stringify({ TTL: '1h', ...about }))
    const ids = [`${client.name}-node`, `${client.name}-service`]
    expect((await add({ ID: ids[0], Name: 'n', Status: 'passing' })).status).toBe(200)
    expect((await add({ ID: ids[1], Name: 's', ServiceID: id })).status).toBe(200)
    const path = `/v1/health/node/${node}`
    const { json } = await client.readUntil(path, (list) => ids.every((id) => list.some(({ CheckID }: never) => CheckID === id))) // biome-ignore format: one line
    const found = ids.map((id) => json.find(({ CheckID }: never) => CheckID === id))
    expect(found).toMatchObject([{ ServiceID: '', Status: 'passing' }, { ServiceID: id, Status: 'critical' }]) // biome-ignore format: one line
    for (const id of ids) await client.put(`/v1/agent/check/deregister/${id}`)
    await client.readUntil(path, (list) => !list.some(({ CheckID }: never) => ids.includes(CheckID)))
    expect((await add({})).text).toBe('Missing check name')
    const stray = await add({ Name: 'x', ServiceID: 'none' })
    expect([stray.status, stray.text]).toEqual([500, 'ServiceID "none" does not exist'])
  })

  test('that only says something else is told of later, so that nobody who waits is woken for it', async () => {
    const client = open()
    const { id, name } = await registeredService(client, { Check: { TTL: '1h' } })
    await client.put(`/v1/agent/check/pass/service:${id}?note=one`)
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Output === 'one')
    await client.put(`/v1/agent/check/pass/service:${id}?note=two`)
    await client.put(`/v1/agent/check/warn/service:${id}?note=three`)
    const { json } = await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === 'warning')
    expect(json[0].Output).toBe('three')
    await client.put(`/v1/agent/check/warn/service:${id}?note=four`)
    expect(await checkOf(client, `service:${id}`)).toMatchObject({ Output: 'four' })
    expect((await client.read(`/v1/health/checks/${name}`)).json[0].Output).toBe('three')
  })

  const ends: { what: string; end: (client: Client, id: string) => Promise<unknown>; words: (id: string) => string }[] =
    [
      {
        what: 'turns critical',
        end: (client, id) => client.put(`/v1/agent/check/fail/${id}`),
        words: (id) => `Check '${id}' is in critical state`,
      },
      {
        what: 'goes',
        end: (client, id) => client.put(`/v1/agent/check/deregister/${id}`),
        words: (id) => `Missing check '${id}' registration`,
      },
    ]
  const bindings: { by: string; binding: (id: string) => object }[] = [
    { by: 'NodeChecks', binding: (id) => ({ NodeChecks: ['serfHealth', id] }) },
    { by: 'ServiceChecks', binding: (id) => ({ ServiceChecks: [{ ID: id }] }) },
    { by: 'Checks', binding: (id) => ({ Checks: [id] }) },
  ]

  test.for(ends.flatMap((end) => bindings.map((binding) => ({ ...end, ...binding }))))(
    'that $what ends the sessions that are bound to it by $by',
    async ({ end, words, binding }) => {
      const client = open()
      const check = `${client.name}-check`
      // Of a service: what others have on this node is no matter of a check of the node's.
      const { name } = await registeredService(client, { Check: { CheckID: check, TTL: '1h', Status: 'passing' } })
      await client.readUntil(`/v1/health/checks/${name}`, (list) => list[0]?.Status === 'passing')
      const session = await client.session(binding(check))
      expect(JSON.stringify(await client.sessionInfo(session))).toContain(check)
      expect(await client.acquire(session)).toBe(true)
      await end(client, check)
      await client.readUntil(`/v1/session/info/${session}`, (list) => list.length === 0)
      expect((await client.row()).Session).toBeUndefined()
      const again = await client.put('/v1/session/create', JSON.stringify(binding(check)))
      expect([again.status, again.text]).toEqual([500, words(check)])
    },
  )
}
