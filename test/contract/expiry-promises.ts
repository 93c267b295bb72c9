import { describe, expect, test } from 'vitest'
import { Client, type ConsulTarget } from './consul-target.ts'

/** Registers the slow ones of them, as `consulPromises` does the others: a session's TTL is 10 s at least. */
export function expiryPromises(name: string, open: () => ConsulTarget): void {
  const client = () => new Client(open())
  describe.concurrent(name, () => {
    describe('an expiring session', () => promises(client))
  })
}

function promises(open: () => Client): void {
  test('lives past its TTL, and ends at about twice of it', async () => {
    const client = open()
    const id = await client.session({ TTL: '10s' })
    await client.target.pass(15_000)
    expect(await client.sessionInfo(id)).toBeDefined()
    await client.target.pass(6_500)
    expect(await client.sessionInfo(id)).toBeUndefined()
    expect(await client.put(`/v1/session/renew/${id}`)).toMatchObject({ status: 404 })
  })

  test('lives on from each renewal', async () => {
    const client = open()
    const id = await client.session({ TTL: '10s' })
    await client.target.pass(9000)
    await client.put(`/v1/session/renew/${id}`)
    await client.target.pass(13_000)
    expect(await client.sessionInfo(id)).toBeDefined()
  })

  test('frees its lock, wakes who waits for that, and leaves a lock-delay', async () => {
    const client = open()
    const holder = await client.session({ TTL: '10s', LockDelay: '2s' })
    const waiter = await client.session()
    await client.acquire(holder)
    const { ModifyIndex } = await client.row()
    const reply = await client.target.during(client.get(`/v1/kv/${client.key}?index=${ModifyIndex}&wait=40s`))
    expect(reply.index).toBeGreaterThan(ModifyIndex)
    expect(await client.row()).toMatchObject({ LockIndex: 1 })
    expect((await client.row()).Session).toBeUndefined()
    expect(await client.acquire(waiter)).toBe(false)
    await client.target.pass(2100)
    expect(await client.acquire(waiter)).toBe(true)
  })

  test('takes its key along when it deletes, and leaves a lock-delay all the same', async () => {
    const client = open()
    const holder = await client.session({ TTL: '10s', LockDelay: '2s', Behavior: 'delete' })
    await client.acquire(holder)
    const { ModifyIndex } = await client.row()
    const reply = await client.target.during(client.get(`/v1/kv/${client.key}?index=${ModifyIndex}&wait=40s`))
    expect(reply.status).toBe(404)
    expect(await client.acquire(await client.session())).toBe(false)
  })

  test('that has no TTL stays', async () => {
    const client = open()
    const ids = [await client.session(), await client.session({ TTL: '0s' })]
    await client.target.pass(21_500)
    for (const id of ids) expect(await client.sessionInfo(id)).toBeDefined()
  })
}
