import { describe, expect, test } from 'vitest'
import { readKeys } from '../../../src/consul/kv.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { waiterRecord } from '../../../src/lock/holder-record.ts'
import { Queue, waitingInLine } from '../../../src/lock/queue.ts'
import { Session } from '../../../src/lock/session.ts'
import { strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const recordOf = (host: string) => JSON.stringify({ host, pid: 812, user: 'root', command: ['sh'], runId: 'r' })

/**
 * So many with sessions of their own who may go into the queue, the one with the last name first, and what stands in
 * it.
 */
async function members(count: number) {
  const requests: string[] = []
  const paths: string[] = []
  const lock = virtualLock({
    fateOf: ({ method, path }) => {
      requests.push(method)
      paths.push(path)
      return {}
    },
  })
  const { clock, ctx, consul, key, timing } = lock
  const client = consul()
  const run = <T>(work: Promise<T>) => clock.run(work)
  const sessions: string[] = []
  for (let n = 0; n < count; n++) {
    const session = await run(Session.create(ctx, client, { name: `member ${n}`, timing }, false))
    session.end()
    sessions.push(session.id)
  }
  sessions.sort().reverse()
  const tail = `${key}=queue`
  return {
    ...lock,
    tail,
    sessions,
    requests,
    paths,
    entryOf: (session: string | undefined) => `${tail}/${session}`,
    queues: sessions.map((id) => {
      const queue = new Queue(client, key, id)
      return {
        enter: (isFormed = false) => run(queue.enter(ctx, { record: recordOf('web3'), sinceMs: 1000 }, isFormed)),
        look: () => run(queue.look(ctx)),
        atHead: () => run(queue.atHead(ctx)),
        leave: () => run(queue.leave(ctx)),
        watch: queue.watch.bind(queue),
        leaving: queue.leaving,
        ifNobodyQueues: queue.ifNobodyQueues,
      }
    }),
    lines: async () => (await run(waitingInLine(ctx, client, key))).map((entry) => entry.session),
    keys: async () => (await run(readKeys(ctx, client, key))).map((entry) => entry.key),
    does: async (...ops: readonly TxnOp[]) => (await run(transact(ctx, client, ops))).done,
    wait: <T>(work: (context: typeof ctx) => Promise<T>) => work(ctx),
  }
}

type Members = Awaited<ReturnType<typeof members>>

test('who counts a line believes only a leader that has made sure that it is one', async () => {
  const { queues, paths } = await members(1)
  await queues[0]?.enter()
  paths.splice(0)
  await queues[0]?.look()
  expect(paths).toEqual([expect.stringContaining('consistent')])
})

describe('who goes into the queue', () => {
  test('says who that is, in the request that it takes anyhow', async () => {
    const { queues, entryOf, sessions, operator, requests } = await members(1)
    const before = requests.length
    await queues[0]?.enter()
    expect(requests.length).toBe(before + 1)
    const value = Buffer.from(operator.entry(entryOf(sessions[0]))?.value ?? '', 'base64').toString()
    expect(JSON.parse(value)).toEqual({
      ...{ host: 'web3', pid: 812, user: 'root', command: ['sh'] },
      since: '1970-01-01T00:00:01.000Z',
    })
  })

  test.each([
    ['an older runner', 'also', true],
    ['a runner of ours', waiterRecord(recordOf('web3'), 0, true), true],
    ['who waits for this one alone', waiterRecord(recordOf('web3'), 0, false), false],
    ['an older runner that waits for this one alone', '', false],
    ['somebody else', '{"also":true', false],
  ])('knows whether %s before it waits for other locks, too', async (_, value, isFirm) => {
    const { queues, entryOf, sessions, tail, does } = await members(2)
    const [first = ''] = sessions
    await does({ verb: 'lock', key: entryOf(first), value, session: first }, { verb: 'set', key: tail, value: first })
    await queues[1]?.enter()
    expect(await queues[1]?.look()).toMatchObject({ ahead: 1, isFirm })
  })

  test('stands behind those who came before, whatever their names', async () => {
    const { queues, sessions } = await members(3)
    for (const { enter } of queues) await enter()
    const places = await Promise.all(queues.map(({ look }) => look()))
    expect(places.map(({ ahead }) => ahead)).toEqual([0, 1, 2])
    expect(places.map(({ before }) => before?.session)).toEqual([undefined, sessions[0], sessions[1]])
  })

  test('stays where it is when it goes in once more', async () => {
    const { queues, operator, tail, sessions } = await members(2)
    for (const { enter } of queues) await enter()
    for (const isFormed of [true, false]) expect(await queues[0]?.enter(isFormed)).toBeUndefined()
    expect((await queues[0]?.look())?.ahead).toBe(0)
    expect((await queues[1]?.look())?.ahead).toBe(1)
    expect(Buffer.from(operator.entry(tail)?.value ?? '', 'base64').toString()).toBe(sessions[1])
  })

  test('is told whom to stand behind, and its number, without reading the queue', async () => {
    const { queues, sessions, requests } = await members(3)
    requests.splice(0)
    const entrances = []
    for (const [n, { enter }] of queues.entries()) entrances.push(await enter(n > 0))
    expect(entrances.map((entrance) => entrance?.ticket.number)).toEqual([1, 2, 3])
    expect(entrances.map((entrance) => entrance?.position?.ahead)).toEqual([0, undefined, undefined])
    expect(entrances.map((entrance) => entrance?.position?.before?.session)).toEqual([
      undefined,
      ...sessions.slice(0, 2),
    ])
    expect(requests).toEqual(['PUT', 'PUT', 'GET', 'PUT', 'GET'])
  })

  test('goes in however wrong its guess at whether others are there', async () => {
    const { queues, requests } = await members(2)
    requests.splice(0)
    expect(await queues[0]?.enter(true)).toMatchObject({ ticket: { number: 1 }, position: { ahead: 0, isFirm: false } })
    expect(await queues[1]?.enter(false)).toMatchObject({ ticket: { number: 2 }, position: { ahead: undefined } })
    expect(requests).toEqual(['PUT', 'PUT', 'PUT', 'PUT', 'GET'])
  })

  test.each([
    ['a dead one', async ({ operator, sessions: [first] }: Members) => operator.destroySession(first ?? '')],
    ['one who has left', async ({ queues, does }: Members) => does(...(queues[0]?.leaving ?? []))],
    ['rubbish', async ({ does, tail }: Members) => does({ verb: 'set', key: tail, value: '../x' })],
  ])('isn’t told its place when the last one is named as %s', async (_, make) => {
    const crowd = await members(2)
    await crowd.queues[0]?.enter()
    await make(crowd)
    expect(await crowd.queues[1]?.enter(true)).toEqual({
      ticket: expect.anything(),
      removeTail: expect.anything(),
      position: undefined,
    })
  })

  test('asks for nobody whose name is rubbish', async () => {
    const { queues, does, tail, requests } = await members(1)
    await does({ verb: 'set', key: tail, value: '../x' })
    requests.splice(0)
    await queues[0]?.enter(true)
    expect(requests).toEqual(['PUT'])
  })

  test('isn’t told its place when the last one has come back behind it by the time that it looks', async () => {
    const { queues, meet, clock, ctx, consul, sessions, tail } = await members(2)
    const [session = ''] = sessions
    await queues[0]?.enter()
    meet(({ method }) => ({ outMs: method === 'GET' ? 10 : 0 }))
    clock.after(5, async () => {
      const key = `${tail}/${session}`
      await transact(ctx, consul(), [{ verb: 'delete', key }])
      await transact(ctx, consul(), [{ verb: 'lock', key, value: '', session }])
    })
    expect(await queues[1]?.enter(true)).toEqual({
      ticket: expect.anything(),
      removeTail: expect.anything(),
      position: undefined,
    })
  })

  test.each([
    ['nothing', () => []],
    ['its own entry alone', ({ entryOf, sessions }: Members) => [entryOf(sessions[0])]],
    ['the queue’s end alone', ({ tail }: Members) => [tail]],
  ])('takes no place from a Consul that shows %s', async (_, shown) => {
    const crowd = await members(1)
    const { meet, queues, sessions } = crowd
    const at = { Value: null, Flags: 0, CreateIndex: 7, ModifyIndex: 7, LockIndex: 1, Session: sessions[0] }
    const text = JSON.stringify({ Results: shown(crowd).map((Key) => ({ KV: { Key, ...at } })), Errors: null })
    const reply = { ...strangeReply(200, text), headers: { 'content-type': 'application/json' } }
    meet(() => ({ fault: { kind: 'masked', reply } }))
    await expect(queues[0]?.enter()).rejects.toMatchObject({
      code: 'not-consul',
      message: expect.stringContaining('a place in line without its entries'),
    })
  })

  test('is seen there, in the order in which they came, if it lives', async () => {
    const { queues, sessions, operator, tail, does, lines } = await members(3)
    for (const { enter } of queues) await enter()
    await does(
      { verb: 'lock', key: `${tail}/other`, value: '', session: sessions[0] ?? '' },
      { verb: 'set', key: `${tail}/undefined`, value: '' },
    )
    expect(await lines()).toEqual(sessions)
    operator.destroySession(sessions[1] ?? '')
    expect(await lines()).toEqual([sessions[0], sessions[2]])
  })

  test('asks who wants to see it for no more than the right to read', async () => {
    const { ctx, consul, key, meet } = await members(1)
    meet(() => ({ fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } }))
    await expect(waitingInLine(ctx, consul(), key)).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('policy = "read"'),
    })
  })

  test.each([
    ['before', 1, true],
    ['behind', 0, false],
  ])('heeds who waits for other locks, too, when that one is %s it', async (_, which, isFirm) => {
    const { queues, entryOf, sessions, tail, does } = await members(2)
    const value = waiterRecord(recordOf('web3'), 0, true)
    for (const [n, session] of sessions.entries()) {
      const entry = { key: entryOf(session), value: n === 1 - which ? value : '', session }
      await does({ verb: 'lock', ...entry }, { verb: 'set', key: tail, value: session })
    }
    expect(await queues[which]?.look()).toMatchObject({ ahead: which, isFirm })
  })

  test('stands behind all others when it has not gone in yet', async () => {
    const { queues, sessions } = await members(3)
    await queues[0]?.enter()
    await queues[1]?.enter()
    expect(await queues[2]?.look()).toMatchObject({ ahead: 2, before: { session: sessions[1] } })
  })

  test('holds an entry of its own, and shows that there is a queue', async () => {
    const { queues, sessions, operator, tail, entryOf, does } = await members(1)
    const [queue] = queues
    if (!queue) throw new Error('nobody')
    expect(await does(...queue.ifNobodyQueues)).toBe(true)
    await queue.enter()
    expect(await does(...queue.ifNobodyQueues)).toBe(false)
    expect(operator.holder(entryOf(sessions[0]))).toBe(sessions[0])
    expect(Buffer.from(operator.entry(tail)?.value ?? '', 'base64').toString()).toBe(sessions[0])
  })
})

describe('who leaves the queue with the lock', () => {
  test('leaves it to those behind', async () => {
    const { queues, does, keys, tail, entryOf, sessions } = await members(2)
    for (const { enter } of queues) await enter()
    const place = await queues[0]?.look()
    expect(await does(...(place?.leaving ?? []))).toBe(true)
    expect(await keys()).toEqual([tail, entryOf(sessions[1])])
    expect((await queues[1]?.look())?.ahead).toBe(0)
  })

  test('clears it away when nobody is behind', async () => {
    const { queues, does, keys } = await members(1)
    await queues[0]?.enter()
    expect(await does(...((await queues[0]?.look())?.leaving ?? []))).toBe(true)
    expect(await keys()).toEqual([])
  })

  test('clears nothing away that somebody has come to since', async () => {
    const { queues, does, keys } = await members(2)
    await queues[0]?.enter()
    const places = [await queues[0]?.look(), await queues[0]?.atHead()]
    await queues[1]?.enter()
    for (const place of places) expect(await does(...(place?.leaving ?? []))).toBe(false)
    expect(await keys()).toHaveLength(3)
  })

  test('knows at the head whether it is the last, too', async () => {
    const { queues, does, keys, tail, entryOf, sessions } = await members(2)
    for (const { enter } of queues) await enter()
    expect(await does(...((await queues[0]?.atHead())?.leaving ?? []))).toBe(true)
    expect(await keys()).toEqual([tail, entryOf(sessions[1])])
    const last = await queues[1]?.atHead()
    expect(last).toMatchObject({ ahead: 0, before: undefined })
    expect(await does(...(last?.leaving ?? []))).toBe(true)
    expect(await keys()).toEqual([])
  })

  test('leaves it though somebody has deleted its end', async () => {
    const { queues, operator, tail, does, keys } = await members(1)
    await queues[0]?.enter()
    operator.deleteKey(tail)
    const place = await queues[0]?.look()
    expect(place?.leaving).toEqual(queues[0]?.leaving)
    expect(await does(...(place?.leaving ?? []))).toBe(true)
    expect(await keys()).toEqual([])
  })

  test('needs no tail at the head', async () => {
    const { queues } = await members(1)
    expect(await queues[0]?.atHead()).toEqual({
      ahead: 0,
      before: undefined,
      isFirm: false,
      leaving: queues[0]?.leaving,
    })
    expect(await queues[0]?.look()).toEqual({ ahead: 0, before: undefined, isFirm: false, leaving: queues[0]?.leaving })
  })
})

describe('who leaves the queue without the lock', () => {
  test('takes its entry away, and the queue when it was the last', async () => {
    const { queues, keys, tail, entryOf, sessions } = await members(2)
    for (const { enter } of queues) await enter()
    await queues[0]?.leave()
    expect(await keys()).toEqual([tail, entryOf(sessions[1])])
    await queues[1]?.leave()
    expect(await keys()).toEqual([])
  })

  test('clears a queue away that others have left, though it was not in it', async () => {
    const { queues, keys, tail, does } = await members(1)
    await does({ verb: 'set', key: tail, value: 'somebody' })
    await queues[0]?.leave()
    expect(await keys()).toEqual([])
  })
})

describe('the dead', () => {
  test('are passed, and their entries deleted', async () => {
    const { queues, sessions, operator, keys, tail, entryOf } = await members(3)
    for (const { enter } of queues) await enter()
    operator.destroySession(sessions[0] ?? '')
    operator.destroySession(sessions[1] ?? '')
    expect(await queues[2]?.look()).toMatchObject({ ahead: 0, before: undefined })
    expect(await keys()).toEqual([tail, entryOf(sessions[2])])
  })

  test('cost nothing when there are none: a look is one read', async () => {
    const { queues, requests } = await members(1)
    await queues[0]?.enter()
    requests.splice(0)
    await queues[0]?.look()
    expect(requests).toEqual(['GET'])
  })

  test('may be more than one transaction takes', async () => {
    const { queues, tail, does, keys } = await members(1)
    await queues[0]?.enter()
    const rubbish = Array.from({ length: 70 }, (_, n): TxnOp => ({ verb: 'set', key: `${tail}/${n}`, value: '' }))
    await does(...rubbish.slice(0, 35))
    await does(...rubbish.slice(35))
    expect((await queues[0]?.look())?.ahead).toBe(0)
    expect(await keys()).toHaveLength(2 + 20)
    await queues[0]?.look()
    expect(await keys()).toHaveLength(2)
  })
})

describe('keys that are nobody’s', () => {
  test('neither count nor are they touched', async () => {
    const { queues, sessions, tail, does, keys } = await members(2)
    await queues[0]?.enter()
    const strange: TxnOp[] = [
      { verb: 'set', key: `${tail}-of-shops/1`, value: '' },
      { verb: 'lock', key: `${tail}/other`, value: '', session: sessions[1] ?? '' },
    ]
    await does(...strange)
    expect(await queues[0]?.look()).toMatchObject({ ahead: 0 })
    expect((await queues[1]?.look())?.ahead).toBe(1)
    expect(await keys()).toHaveLength(4)
    expect((await queues[0]?.look())?.leaving).toHaveLength(2)
  })
})

test('a watch tells when who is before us has gone', async () => {
  const { clock, queues, sessions, operator, wait } = await members(2)
  for (const { enter } of queues) await enter()
  const before = (await queues[1]?.look())?.before
  if (!before) throw new Error('nobody is before the second')
  const query = queues[1]?.watch(before)
  let entry: unknown = 'none'
  const reading = wait((ctx) => query?.next(ctx, 30_000) as Promise<{ entry: unknown }>).then((read) => {
    entry = read.entry
  })
  await clock.advance(20_000)
  expect(entry).toBe('none')
  operator.destroySession(sessions[0] ?? '')
  await clock.run(reading)
  expect(entry).toMatchObject({ session: undefined })
})
