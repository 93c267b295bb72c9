import { expect, test } from 'vitest'
import { base64, type Client, NOBODY } from './consul-target.ts'

export function txnPromises(open: () => Client): void {
  test('locks, and tells indexes, session and flags, but not the value', async () => {
    const client = open()
    const id = await client.session()
    const step = { Verb: 'lock', Key: client.key, Value: base64('me'), Flags: 9, Session: id }
    const first = await client.txn(step)
    const row = await client.row()
    expect(row).toMatchObject({ Value: base64('me'), Flags: '9', Session: id, LockIndex: 1 })
    expect(first).toEqual({ status: 200, rows: [{ ...row, Value: null }], errors: [] })
    expect(await client.txn(step)).toEqual(first)
  })

  test('takes flags of 64 bits', async () => {
    const client = open()
    const steps = `[{"KV":{"Verb":"set","Key":"${client.key}","Value":"eA==","Flags":16210313421097356768}}]`
    expect((await client.put('/v1/txn', steps)).status).toBe(200)
    expect((await client.row()).Flags).toBe('16210313421097356768')
  })

  test('says why it does not lock or unlock', async () => {
    const client = open()
    const { key } = client
    const [mine, yours] = [await client.session(), await client.session()]
    await client.acquire(mine)
    const refusal = (Verb: string, Session?: string) => client.refusal({ Verb, Key: key, Session })
    expect(await refusal('lock', yours)).toEqual([`failed to lock key "${key}", lock is already held`])
    expect(await refusal('lock', NOBODY)).toEqual([`invalid session "${NOBODY}"`])
    expect(await refusal('lock')).toEqual(['missing session'])
    const words = 'failed session lookup: index error: UUID must be 36 characters'
    expect(await refusal('lock', 'zzz')).toEqual([words])
    const foreign = `failed to unlock key "${key}", lock isn't held, or is held by another session`
    expect(await refusal('unlock', yours)).toEqual([foreign])
    expect((await client.row()).Session).toBe(mine)
  })

  test('deletes what is ours, and only that: check-session, delete', async () => {
    const client = open()
    const { key } = client
    const [mine, yours] = [await client.session(), await client.session()]
    const giveUp = (Session: string) => [
      { Verb: 'check-session', Key: key, Session },
      { Verb: 'delete', Key: key },
    ]
    expect(await client.refusal(...giveUp(mine))).toEqual([`failed to check session, key "${key}" doesn't exist`])
    await client.acquire(mine)
    const other = `failed session check for key "${key}", current session "${mine}" != "${yours}"`
    expect(await client.txn(...giveUp(yours))).toMatchObject({ status: 409, errors: [{ OpIndex: 0, What: other }] })
    const held = await client.row()
    expect(await client.txn(...giveUp(mine))).toMatchObject({ status: 200, rows: [{ ...held, Value: null }] })
    expect(await client.acquire(yours)).toBe(true)
  })

  test('unlocks what is ours, and overwrites value and flags', async () => {
    const client = open()
    const id = await client.session()
    await client.write(`?acquire=${id}&flags=9`, 'me')
    const { status, rows } = await client.txn({ Verb: 'unlock', Key: client.key, Session: id, Value: base64('done') })
    expect(status).toBe(200)
    const row = await client.row()
    expect(row).toMatchObject({ Value: base64('done'), Flags: '0', LockIndex: 1 })
    expect(rows).toEqual([{ ...row, Value: null }])
  })

  test('that fails in one step does none, and tells of each that failed', async () => {
    const client = open()
    const { key } = client
    await client.write('', 'before')
    const before = await client.row()
    const { status, errors } = await client.txn(
      { Verb: 'set', Key: key, Value: base64('after') },
      { Verb: 'set', Key: `${key}/new`, Value: base64('after') },
      { Verb: 'check-index', Key: key, Index: 1 },
      { Verb: 'check-index', Key: `${key}/none`, Index: 1 },
      { Verb: 'check-not-exists', Key: key },
      { Verb: 'get', Key: `${key}/none` },
      { Verb: 'cas', Key: key, Index: 7, Value: base64('cas') },
      { Verb: 'delete-cas', Key: key, Index: 7 },
      { Verb: 'delete', Key: key },
      { Verb: 'check-not-exists', Key: key },
    )
    expect(status).toBe(409)
    expect(errors.map((error) => error.OpIndex)).toEqual([2, 3, 4, 5, 6, 7])
    expect(errors[0]?.What).toMatch(/^failed index check for key ".*", current modify index \d+ != 1$/)
    expect(errors.slice(1).map((error) => error.What)).toEqual([
      `failed to check index, key "${key}/none" doesn't exist`,
      `key "${key}" exists`,
      `key "${key}/none" doesn't exist`,
      `failed to set key "${key}", index is stale`,
      `failed to delete key "${key}", index is stale`,
    ])
    expect(await client.row()).toEqual(before)
    expect((await client.get(`/v1/kv/${key}/new`)).status).toBe(404)
  })

  test('sees its own steps: set, get, get-tree, delete-tree, check-not-exists', async () => {
    const client = open()
    const [one, two] = [`${client.key}/1`, `${client.key}/2`]
    const { status, rows } = await client.txn(
      { Verb: 'set', Key: one, Value: base64('1') },
      { Verb: 'set', Key: two, Value: base64('2'), Flags: 5 },
      { Verb: 'get', Key: two },
      { Verb: 'get-tree', Key: `${client.key}/` },
      { Verb: 'delete-tree', Key: `${client.key}/` },
      { Verb: 'check-not-exists', Key: one },
    )
    expect(status).toBe(200)
    const shown = rows.map((row) => [row.Key, row.Value])
    const values = [[two, base64('2')], [one, base64('1')], [two, base64('2')]] // biome-ignore format: one line
    expect(shown).toEqual([[one, null], [two, null], ...values]) // biome-ignore format: one line
    expect(new Set(rows.map((row) => row.ModifyIndex)).size).toBe(1)
    expect((await client.get(`/v1/kv/${one}`)).status).toBe(404)
  })

  test('reads what may not be there in the very transaction that locks: get-tree, before and after a write', async () => {
    const client = open()
    const { key } = client
    const [record, session] = [`${key}=runs`, await client.session()]
    const claim = (...steps: object[]) =>
      client.txn({ Verb: 'lock', Key: key, Session: session }, ...steps, { Verb: 'get-tree', Key: record })
    const shown = (rows: readonly { Key: string; Value: string | null }[]) => rows.map((row) => [row.Key, row.Value])
    const nothing = await claim()
    expect([nothing.status, shown(nothing.rows)]).toEqual([200, [[key, null]]])
    const written = await claim({ Verb: 'cas', Key: record, Index: 0, Value: base64('1') })
    expect(shown(written.rows)).toEqual([[key, null], [record, null], [record, base64('1')]]) // biome-ignore format: one line
    expect(shown((await claim()).rows)).toEqual([[key, null], [record, base64('1')]]) // biome-ignore format: one line
    const stale = await claim({ Verb: 'cas', Key: record, Index: 1, Value: base64('2') })
    expect(stale).toMatchObject({ status: 409, errors: [{ What: `failed to set key "${record}", index is stale` }] })
  })

  test('gives up a lock and writes beside it, or neither: check-session, delete, set', async () => {
    const client = open()
    const { key } = client
    const [mine, yours] = [await client.session(), await client.session()]
    await client.acquire(mine)
    const release = (Session: string) =>
      client.txn(
        { Verb: 'check-session', Key: key, Session },
        { Verb: 'delete', Key: key },
        { Verb: 'set', Key: `${key}=runs`, Value: base64(Session) },
      )
    expect((await release(yours)).status).toBe(409)
    expect((await client.get(`/v1/kv/${key}=runs`)).status).toBe(404)
    expect((await release(mine)).status).toBe(200)
    expect((await client.get(`/v1/kv/${key}=runs?raw`)).text).toBe(mine)
    expect((await client.get(`/v1/kv/${key}`)).status).toBe(404)
  })

  test('sets and deletes by cas', async () => {
    const client = open()
    const { key } = client
    expect((await client.txn({ Verb: 'cas', Key: key, Index: 0, Value: base64('1') })).status).toBe(200)
    expect((await client.txn({ Verb: 'cas', Key: key, Index: 0, Value: base64('2') })).status).toBe(409)
    const { ModifyIndex } = await client.row()
    expect((await client.txn({ Verb: 'check-index', Key: key, Index: ModifyIndex })).status).toBe(200)
    expect((await client.txn({ Verb: 'delete-cas', Key: key, Index: ModifyIndex })).status).toBe(200)
    expect((await client.txn({ Verb: 'delete-cas', Key: key, Index: ModifyIndex })).status).toBe(200)
    expect((await client.txn({ Verb: 'delete', Key: key })).status).toBe(200)
  })

  test('writes only while a lock is held: check-session, set', async () => {
    const client = open()
    const [mine, yours] = [await client.session(), await client.session()]
    await client.acquire(mine)
    const fenced = (Session: string) => [
      { Verb: 'check-session', Key: client.key, Session },
      { Verb: 'set', Key: `${client.key}/data`, Value: base64(Session) },
    ]
    expect((await client.txn(...fenced(mine))).status).toBe(200)
    expect((await client.txn(...fenced(yours))).status).toBe(409)
    expect((await client.get(`/v1/kv/${client.key}/data?raw`)).text).toBe(mine)
  })

  test('hands a lock to another session, while both live: check-session, unlock, lock', async () => {
    const client = open()
    const { key } = client
    const [mine, yours] = [await client.session(), await client.session()]
    const place = `${key}/${yours}`
    const record = base64('yours')
    const handingOff = [
      { Verb: 'check-session', Key: key, Session: mine },
      { Verb: 'check-session', Key: place, Session: yours },
      { Verb: 'unlock', Key: key, Session: mine, Value: record, Flags: 9 },
      { Verb: 'lock', Key: key, Session: yours, Value: record, Flags: 9 },
      { Verb: 'delete', Key: place },
    ]
    await client.acquire(mine)
    const before = await client.row()
    expect((await client.txn(...handingOff)).status).toBe(409)
    await client.txn({ Verb: 'lock', Key: place, Session: yours })
    expect((await client.txn(...handingOff)).status).toBe(200)
    const after = await client.row()
    expect(after).toMatchObject({
      Session: yours,
      Value: record,
      Flags: '9',
      LockIndex: 2,
      CreateIndex: before.CreateIndex,
    })
    expect(after.ModifyIndex).toBeGreaterThan(before.ModifyIndex)
    await client.destroy(mine)
    expect(await client.row()).toEqual(after)
    expect((await client.txn(...handingOff)).errors.map(({ OpIndex }) => OpIndex)).toContain(0)
  })

  test('names the last in a line, tells who was the last before, and counts who came: get, lock, unlock', async () => {
    const client = open()
    const { key } = client
    const enter = (Session: string, before: object) => {
      const tail = { Key: key, Value: base64(Session), Session }
      const place = { Verb: 'lock', Key: `${key}/${Session}`, Session }
      return client.txn({ Key: key, ...before }, place, { Verb: 'lock', ...tail }, { Verb: 'unlock', ...tail })
    }
    const [first, second, third] = [await client.session(), await client.session(), await client.session()]
    expect(await enter(first, { Verb: 'get' })).toMatchObject({ status: 409, errors: [{ OpIndex: 0 }] })
    const alone = await enter(first, { Verb: 'check-not-exists' })
    expect(alone.rows.map(({ Key, LockIndex }) => [Key, LockIndex])).toEqual([
      [`${key}/${first}`, 1],
      [key, 1],
      [key, 1],
    ])
    expect(new Set(alone.rows.map(({ CreateIndex }) => CreateIndex)).size).toBe(1)
    for (const [nth, [before, session]] of [
      [first, second],
      [second, third],
    ].entries()) {
      const { status, rows } = await enter(session as string, { Verb: 'get' })
      expect([status, rows[0]?.Value]).toEqual([200, base64(before as string)])
      expect(rows.at(-1)).toMatchObject({ Key: key, LockIndex: nth + 2, CreateIndex: alone.rows[1]?.CreateIndex })
    }
    expect((await client.row()).Session).toBeUndefined()
  })

  test('during a lock-delay tells of that alone', async () => {
    const client = open()
    const { key } = client
    const mine = await client.session({ LockDelay: '5s' })
    await client.acquire(mine)
    await client.destroy(mine)
    const steps = [{ Verb: 'get', Key: `${key}/none` }, { Verb: 'lock', Key: key, Session: NOBODY }] // biome-ignore format: one line
    const { errors } = await client.txn(...steps)
    expect(errors).toEqual([{ OpIndex: 1, What: `failed to lock key "${key}" due to lock delay` }])
  })

  test('locks on condition that the key is as it was seen', async () => {
    const client = open()
    const { key } = client
    const [mine, yours] = [await client.session(), await client.session()]
    const claim = (condition: object) =>
      client.txn({ Key: key, ...condition }, { Verb: 'lock', Key: key, Session: yours })
    await client.acquire(mine)
    const { ModifyIndex } = await client.row()
    await client.write(`?release=${mine}`)
    const seen = await client.row()
    expect(await claim({ Verb: 'check-not-exists' })).toMatchObject({ status: 409, errors: [{ OpIndex: 0 }] })
    expect(await claim({ Verb: 'check-index', Index: ModifyIndex })).toMatchObject({ errors: [{ OpIndex: 0 }] })
    const { status, rows } = await claim({ Verb: 'check-index', Index: seen.ModifyIndex })
    expect([status, rows.map(({ Session }) => Session)]).toEqual([200, [undefined, yours]])
    expect((await claim({ Verb: 'check-session', Session: yours })).status).toBe(200)
  })

  test('locks and unlocks in one, which leaves a value without a lock: check-index, lock, unlock', async () => {
    const client = open()
    const { key } = client
    const [dead, mine] = [await client.session({ LockDelay: '2s' }), await client.session()]
    await client.acquire(dead, 'lock')
    await client.destroy(dead)
    const replace = async () => [
      { Verb: 'check-index', Key: key, Index: (await client.row()).ModifyIndex },
      { Verb: 'lock', Key: key, Session: mine, Value: base64('list'), Flags: 5 },
      { Verb: 'unlock', Key: key, Session: mine, Value: base64('list'), Flags: 5 },
    ]
    expect(await client.refusal(...(await replace()))).toEqual([`failed to lock key "${key}" due to lock delay`])
    await client.target.pass(2100)
    expect((await client.txn(...(await replace()))).status).toBe(200)
    const row = await client.row()
    expect(row).toMatchObject({ Value: base64('list'), Flags: '5' })
    expect(row.Session).toBeUndefined()
  })

  test('probes the lock-delay of a key that went with its session, and leaves none: lock, delete', async () => {
    const client = open()
    const { key } = client
    const [dead, mine] = [await client.session({ LockDelay: '2s', Behavior: 'delete' }), await client.session()]
    await client.acquire(dead)
    await client.destroy(dead)
    const probe = [
      { Verb: 'set', Key: `${key}/list`, Value: base64('without it') },
      { Verb: 'lock', Key: key, Session: mine },
      { Verb: 'delete', Key: key },
    ]
    expect(await client.refusal(...probe)).toEqual([`failed to lock key "${key}" due to lock delay`])
    expect((await client.get(`/v1/kv/${key}/list`)).status).toBe(404)
    await client.target.pass(2100)
    expect((await client.txn(...probe)).status).toBe(200)
    expect((await client.get(`/v1/kv/${key}`)).status).toBe(404)
    await client.destroy(mine)
    const other = await client.session()
    expect(await client.acquire(other)).toBe(true)
  })

  test('probes no lock-delay of a key that its session holds, nor of one that was deleted in time', async () => {
    const client = open()
    const { key } = client
    const [holder, mine] = [await client.session({ Behavior: 'delete' }), await client.session()]
    await client.acquire(holder)
    const probe = [
      { Verb: 'lock', Key: key, Session: mine },
      { Verb: 'delete', Key: key },
    ]
    expect(await client.refusal(...probe)).toEqual([`failed to lock key "${key}", lock is already held`])
    await client.remove()
    await client.destroy(holder)
    expect((await client.txn(...probe)).status).toBe(200)
  })

  test('gives a key that it deletes and locks again a new index, though nothing else is new', async () => {
    const client = open()
    const { key } = client
    const mine = await client.session()
    await client.acquire(mine, 'same')
    const before = await client.row()
    const step = { Verb: 'lock', Key: key, Session: mine, Value: base64('same') }
    expect((await client.txn(step)).rows[0]?.ModifyIndex).toBe(before.ModifyIndex)
    const { status } = await client.txn({ Verb: 'delete', Key: key }, step)
    expect(status).toBe(200)
    expect((await client.row()).ModifyIndex).toBeGreaterThan(before.ModifyIndex)
  })

  test('locks several keys under one index', async () => {
    const client = open()
    const mine = await client.session()
    const keys = [`${client.key}/a`, `${client.key}/b`]
    const { rows } = await client.txn(...keys.map((Key) => ({ Verb: 'lock', Key, Session: mine })))
    expect(rows.map(({ Session }) => Session)).toEqual([mine, mine])
    expect(new Set(rows.flatMap(({ ModifyIndex, CreateIndex }) => [ModifyIndex, CreateIndex])).size).toBe(1)
  })

  test('needs verbs and keys that are some', async () => {
    const client = open()
    expect(await client.refusal({ Verb: 'frob', Key: 'k' })).toEqual(['unknown KV verb "frob"'])
    expect(await client.refusal({ Verb: 'set', Key: '' })).toEqual(['Must provide key'])
    expect(await client.txn()).toEqual({ status: 200, rows: [], errors: [] })
  })

  test('needs a body that can be read', async () => {
    const client = open()
    const garbage = await client.put('/v1/txn', 'oops')
    expect([garbage.status, garbage.text]).toEqual([400, expect.stringMatching(/^Failed to parse body: invalid char/)])
    const odd = await client.txn({ Verb: 'set', Key: client.key, Value: 'not base64' })
    expect([odd.status, odd.errors[0]?.What]).toEqual([
      400,
      'Failed to parse body: illegal base64 data at input byte 3',
    ])
  })

  test('has 64 steps at most', async () => {
    const client = open()
    const steps = Array.from({ length: 65 }, () => ({ Verb: 'get-tree', Key: client.key }))
    const { status, errors } = await client.txn(...steps)
    expect([status, errors[0]?.What]).toEqual([413, 'Transaction contains too many operations (65 > 64)'])
    expect((await client.txn(...steps.slice(1))).status).toBe(200)
  })
}
