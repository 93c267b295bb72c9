import { expect, test } from 'vitest'
import { type Client, NOBODY, type SessionRow } from './consul-target.ts'

const refusals: [what: string, wish: string, status: number, text: string][] = [
  ['a TTL below 10s', '{"TTL":"9s"}', 500, "Invalid Session TTL '9000000000', must be between [10s=24h0m0s]"],
  ['a TTL over 24h', '{"TTL":"86401s"}', 500, "Invalid Session TTL '86401000000000', must be between [10s=24h0m0s]"],
  ['a TTL that is none', '{"TTL":"bogus"}', 500, `Session TTL 'bogus' invalid: time: invalid duration "bogus"`],
  ['a TTL without unit', '{"TTL":"10"}', 500, `Session TTL '10' invalid: time: missing unit in duration "10"`],
  ['a TTL of odd unit', '{"TTL":"10x"}', 500, `Session TTL '10x' invalid: time: unknown unit "x" in duration "10x"`],
  ['an unknown behavior', '{"Behavior":"explode"}', 500, "Invalid Behavior setting 'explode'"],
  ['an unknown node', '{"Node":"nowhere"}', 500, 'Missing node registration'],
  ['an unknown check', '{"Checks":["service:x"]}', 500, "Missing check 'service:x' registration"],
  ['an unknown node check', '{"NodeChecks":["x"]}', 500, "Missing check 'x' registration"],
  ['a lock-delay that is none', '{"LockDelay":"x"}', 400, 'Request decode failed: time: invalid duration "x"'],
]

const lockDelays: [given: string | number, ns: number][] = [
  ['22000ms', 22e9],
  ['1m0.5s', 60.5e9],
  ['70s', 70e9],
  [5, 5e9],
  [5e9, 5e9],
  [0, 0],
]

export function sessionPromises(open: () => Client): void {
  test('has what it was created with', async () => {
    const client = open()
    const id = await client.session({ Name: 'n', TTL: '15s', LockDelay: '22000ms', Behavior: 'delete' })
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    const info = (await client.sessionInfo(id)) as SessionRow
    expect(info).toMatchObject({ ID: id, Name: 'n', TTL: '15s', LockDelay: 22e9, Behavior: 'delete' })
    expect(info.NodeChecks).toEqual(['serfHealth'])
    expect(info.Node).not.toBe('')
    await client.destroy(id)
  })

  test('has defaults: 15s of lock-delay, release, no TTL, serfHealth', async () => {
    const client = open()
    const id = JSON.parse((await client.put('/v1/session/create')).text).ID
    const expected = { Name: '', TTL: '', LockDelay: 15e9, Behavior: 'release', NodeChecks: ['serfHealth'] }
    expect(await client.sessionInfo(id)).toMatchObject(expected)
  })

  test.for(lockDelays)('with a lock-delay of %s has one of %s ns', async ([given, ns]) => {
    const client = open()
    const id = await client.session({ LockDelay: given })
    expect((await client.sessionInfo(id))?.LockDelay).toBe(ns)
  })

  test.for(refusals)('with %s is refused', async ([, wish, status, text]) => {
    const reply = await open().put('/v1/session/create', wish)
    expect([reply.status, reply.text]).toEqual([status, text])
  })

  test('without checks is created', async () => {
    const client = open()
    const info = await client.sessionInfo(await client.session({ Checks: [] }))
    expect(info?.NodeChecks ?? []).toEqual([])
  })

  test('from garbage is refused', async () => {
    const reply = await open().put('/v1/session/create', '{oops')
    expect(reply.status).toBe(400)
    expect(reply.text).toMatch(/^Request decode failed: invalid character/)
  })

  test('is in the lists, under an index that its creation raised', async () => {
    const client = open()
    const before = await client.get('/v1/session/list')
    const id = await client.session()
    const after = await client.get('/v1/session/list')
    expect(after.index).toBeGreaterThan(before.index)
    const info = (await client.sessionInfo(id)) as SessionRow
    for (const path of ['list', `node/${info.Node}`]) {
      const rows: SessionRow[] = JSON.parse((await client.get(`/v1/session/${path}`)).text)
      expect(rows.map((row) => row.ID)).toContain(id)
      expect(rows.map((row) => row.ID)).toEqual(rows.map((row) => row.ID).sort())
    }
    expect(JSON.parse((await client.get('/v1/session/node/nowhere')).text)).toEqual([])
  })

  test('that is renewed is told', async () => {
    const client = open()
    const id = await client.session({ TTL: '10s' })
    const { status, text } = await client.put(`/v1/session/renew/${id}`)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual([await client.sessionInfo(id)])
  })

  test('that nobody knows can be destroyed, but not renewed', async () => {
    const client = open()
    expect(await client.put(`/v1/session/destroy/${NOBODY}`)).toMatchObject({ status: 200 })
    const renewal = await client.put(`/v1/session/renew/${NOBODY}`)
    expect([renewal.status, renewal.text]).toEqual([404, `Session id '${NOBODY}' not found`])
    expect(await client.sessionInfo(NOBODY)).toBeUndefined()
  })

  test('that was destroyed is gone, and can be destroyed again', async () => {
    const client = open()
    const id = await client.session({ TTL: '10s' })
    for (let time = 1; time <= 2; time++) {
      const { status, text } = await client.put(`/v1/session/destroy/${id}`)
      expect([status, text.trim()]).toEqual([200, 'true'])
      expect(await client.sessionInfo(id)).toBeUndefined()
    }
    expect(await client.put(`/v1/session/renew/${id}`)).toMatchObject({ status: 404 })
  })

  test.for(['renew', 'destroy', 'info'])('needs an id that is one, to %s', async (verb) => {
    const client = open()
    const method = verb === 'info' ? 'GET' : 'PUT'
    const odd = await client.target.call(method, `/v1/session/${verb}/zzz`)
    const words = 'failed session lookup: index error: UUID must be 36 characters'
    expect([odd.status, odd.text]).toEqual([500, words])
    const none = await client.target.call(method, `/v1/session/${verb}/`)
    expect([none.status, none.text]).toEqual([400, 'Missing session'])
  })

  test('is not created by a GET', async () => {
    const reply = await open().get('/v1/session/create')
    expect([reply.status, reply.text]).toEqual([405, 'method GET not allowed'])
  })
}
