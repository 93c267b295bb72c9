import { expect, test } from 'vitest'
import { base64, type Client, NOBODY } from './consul-target.ts'

export function lockPromises(open: () => Client): void {
  test('that is free is given, with value and flags', async () => {
    const client = open()
    const id = await client.session()
    expect(await client.write(`?acquire=${id}&flags=9`, 'me')).toBe('true')
    expect(await client.row()).toMatchObject({ Session: id, LockIndex: 1, Value: base64('me'), Flags: '9' })
  })

  test('that is held is not given to another, and nothing changes', async () => {
    const client = open()
    await client.acquire(await client.session(), 'me')
    const before = await client.row()
    expect(await client.acquire(await client.session(), 'you')).toBe(false)
    expect(await client.row()).toEqual(before)
  })

  test('can be acquired again by its holder: the same changes nothing, another value overwrites', async () => {
    const client = open()
    const id = await client.session()
    await client.write(`?acquire=${id}&flags=9`, 'one')
    const first = await client.row()
    expect(await client.write(`?acquire=${id}&flags=9`, 'one')).toBe('true')
    expect(await client.row()).toEqual(first)
    expect(await client.write(`?acquire=${id}`, 'two')).toBe('true')
    const second = await client.row()
    expect(second).toMatchObject({ LockIndex: 1, Value: base64('two'), Flags: '0', Session: id })
    expect(second.ModifyIndex).toBeGreaterThan(first.ModifyIndex)
  })

  test('is released by its holder alone, and at once free, value and flags overwritten', async () => {
    const client = open()
    const [mine, yours] = [await client.session(), await client.session()]
    await client.write(`?acquire=${mine}&flags=9`, 'me')
    expect(await client.write(`?release=${yours}`)).toBe('false')
    expect(await client.write(`?release=${NOBODY}`)).toBe('false')
    expect(await client.write(`?release=${mine}`, '')).toBe('true')
    const row = await client.row()
    expect(row).toMatchObject({ Value: null, Flags: '0', LockIndex: 1 })
    expect(row.Session).toBeUndefined()
    expect(await client.write(`?release=${mine}`)).toBe('false')
    expect(await client.acquire(yours)).toBe(true)
    expect((await client.row()).LockIndex).toBe(2)
  })

  test('is not released where there is no key', async () => {
    const client = open()
    expect(await client.write(`?release=${await client.session()}`)).toBe('false')
  })

  test('counts its holders from 1 again after a deletion, while the ModifyIndex grows', async () => {
    const client = open()
    const id = await client.session()
    await client.acquire(id)
    const first = await client.row()
    await client.remove()
    expect(await client.acquire(id)).toBe(true)
    const second = await client.row()
    expect(second.LockIndex).toBe(1)
    expect(second.ModifyIndex).toBeGreaterThan(first.ModifyIndex)
  })

  test('is deleted by anyone, whatever `acquire` says, and at once free', async () => {
    const client = open()
    const [mine, yours] = [await client.session(), await client.session()]
    await client.acquire(mine)
    expect(await client.remove(`?acquire=${yours}`)).toBe('true')
    expect(await client.acquire(yours)).toBe(true)
  })

  test('stays held under a plain write, which takes value, flags and LockIndex back', async () => {
    const client = open()
    const id = await client.session()
    await client.write(`?acquire=${id}&flags=9`, 'me')
    expect(await client.write('', 'other')).toBe('true')
    expect(await client.row()).toMatchObject({ Session: id, Value: base64('other'), Flags: '0', LockIndex: 0 })
    const { ModifyIndex } = await client.row()
    expect(await client.write(`?cas=${ModifyIndex}`, 'third')).toBe('true')
    expect(await client.row()).toMatchObject({ Session: id, Value: base64('third') })
  })

  test('takes its LockIndex back even when a plain write changes nothing else', async () => {
    const client = open()
    const id = await client.session()
    await client.acquire(id, 'same')
    await client.write(`?release=${id}`, 'same')
    const before = await client.row()
    await client.write('', 'same')
    const after = await client.row()
    expect(after.LockIndex).toBe(0)
    expect(after.ModifyIndex).toBeGreaterThan(before.ModifyIndex)
  })

  test('is refused to sessions that are none', async () => {
    const client = open()
    const refused = async (session: string) => {
      const { status, text } = await client.put(`/v1/kv/${client.key}?acquire=${session}`, 'v')
      return [status, text]
    }
    expect(await refused(NOBODY)).toEqual([500, `invalid session "${NOBODY}"`])
    expect(await refused('')).toEqual([500, 'missing session'])
    const words = 'failed session lookup: index error: UUID must be 36 characters'
    expect(await refused('zzz')).toEqual([500, words])
    expect(await client.write('?release=')).toBe('missing session')
  })

  test('is refused to a session that was destroyed', async () => {
    const client = open()
    const id = await client.session()
    await client.destroy(id)
    expect(await client.write(`?acquire=${id}`)).toBe(`invalid session "${id}"`)
  })

  test('of a destroyed session is free but closed for the lock-delay; the transaction says why', async () => {
    const client = open()
    const [mine, yours] = [await client.session({ LockDelay: '1s' }), await client.session()]
    await client.write(`?acquire=${mine}&flags=9`, 'me')
    const held = await client.row()
    await client.destroy(mine)
    const row = await client.row()
    expect(row).toMatchObject({ Value: base64('me'), Flags: '9', LockIndex: 1 })
    expect(row.Session).toBeUndefined()
    expect(row.ModifyIndex).toBeGreaterThan(held.ModifyIndex)
    const step = { Verb: 'lock', Key: client.key, Session: yours }
    expect(await client.acquire(yours)).toBe(false)
    expect(await client.refusal(step)).toEqual([`failed to lock key "${client.key}" due to lock delay`])
    expect(await client.row()).toEqual(row)
    await client.target.pass(1100)
    expect(await client.acquire(yours)).toBe(true)
    expect((await client.row()).LockIndex).toBe(2)
  })

  test('stays closed to a dead session, and in spite of writes and deletions, until the lock-delay is over', async () => {
    const client = open()
    const [mine, yours] = [await client.session({ LockDelay: '2s' }), await client.session()]
    await client.acquire(mine)
    await client.destroy(mine)
    expect(await client.write('', 'open')).toBe('true')
    expect(await client.acquire(mine)).toBe(false)
    await client.remove()
    expect(await client.acquire(yours)).toBe(false)
    await client.target.pass(2100)
    expect(await client.write(`?acquire=${mine}`)).toBe(`invalid session "${mine}"`)
    expect(await client.acquire(yours)).toBe(true)
  })

  test('of a destroyed session that deletes is gone, and closed for the lock-delay', async () => {
    const client = open()
    const mine = await client.session({ LockDelay: '1s', Behavior: 'delete' })
    await client.acquire(mine)
    await client.destroy(mine)
    expect((await client.get(`/v1/kv/${client.key}`)).status).toBe(404)
    expect(await client.acquire(await client.session())).toBe(false)
  })

  test('that its session gave back in time has no lock-delay when that is destroyed', async () => {
    const client = open()
    const [mine, yours] = [await client.session(), await client.session()]
    await client.acquire(mine)
    await client.write(`?release=${mine}`)
    await client.destroy(mine)
    expect(await client.acquire(yours)).toBe(true)
  })

  test('has no lock-delay when its session has none', async () => {
    const client = open()
    const mine = await client.session({ LockDelay: 0 })
    await client.acquire(mine)
    await client.destroy(mine)
    expect(await client.acquire(await client.session())).toBe(true)
  })
}
