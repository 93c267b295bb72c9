import { expect, test } from 'vitest'
import { readKeys } from '../../../src/consul/kv.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { Queue } from '../../../src/lock/queue.ts'
import { QueueSet } from '../../../src/lock/queue-set.ts'
import { Session } from '../../../src/lock/session.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const [A, B] = ['consul-locker-a', 'consul-locker-b'] as const
const WAITER = { record: '{"host":"web3"}', sinceMs: 1000 }

/** Three who stand in line for two locks at once, or for one of them, and what stands in both lines. */
async function lines() {
  const lock = virtualLock()
  const { clock, ctx, consul, timing } = lock
  const client = consul()
  const run = <T>(work: Promise<T>) => clock.run(work)
  const ids: string[] = []
  for (const name of ['one', 'two', 'three']) {
    const session = await run(Session.create(ctx, client, { name, timing }, false))
    session.end()
    ids.push(session.id)
  }
  const [one, two, three] = ids as [string, string, string]
  const does = async (ops: readonly TxnOp[]) => (await run(transact(ctx, client, ops))).done
  return {
    ...lock,
    ids: [one, two, three] as const,
    does,
    /** A place in both lines. */
    both: (session: string) => {
      const set = new QueueSet(client, [A, B], session)
      return {
        set,
        enter: () => run(set.enter(ctx, WAITER)),
        look: () => run(set.look(ctx)),
        atHead: () => run(set.atHead(ctx)),
        leave: () => run(set.leave(ctx)),
      }
    },
    /** Goes into the line of one lock alone. */
    single: (key: string, session: string) => does(new Queue(client, key, session).entering(WAITER)),
    keys: async () => (await run(readKeys(ctx, client, 'consul-locker-'))).map(({ key }) => key),
  }
}

test('who waits for two locks stands in both lines, and by one transaction', async () => {
  const { both, ids, keys, operator } = await lines()
  const [one] = ids
  await both(one).enter()
  expect(await keys()).toEqual([A, B].flatMap((key) => [`${key}=queue`, `${key}=queue/${one}`]))
  const places = [A, B].map((key) => operator.entry(`${key}=queue/${one}`)?.createIndex)
  expect(new Set(places).size).toBe(1)
})

test('it stays where it is when it goes in once more', async () => {
  const { both, ids } = await lines()
  const [one, two] = ids
  for (const session of [one, two, one]) await both(session).enter()
  expect(await both(one).look()).toMatchObject({ ahead: 0, before: undefined })
  expect(await both(two).look()).toMatchObject({ ahead: 1, before: { session: one } })
})

test.each([A, B])('it is as far back as in the longer line, be that of %s', async (key) => {
  const { both, single, ids } = await lines()
  const [one, two, three] = ids
  await single(key === A ? B : A, one)
  await single(key, two)
  await single(key, one)
  const { enter, look, atHead } = both(three)
  await enter()
  expect(await look()).toMatchObject({ ahead: 2, before: { session: one, key: `${key}=queue/${one}` } })
  expect(await atHead()).toEqual(await look())
})

test.each([A, B])(
  'one before it who waits for other locks, too, isn’t passed, even in the line of %s alone',
  async (key) => {
    const { both, single, does, ids, consul } = await lines()
    const [one, two, three] = ids
    await single(key === A ? B : A, one)
    await does(new Queue(consul(), key, two, true).entering(WAITER))
    await both(three).enter()
    expect(await both(three).look()).toMatchObject({ ahead: 1, isFirm: true })
  },
)

test('those who wait for one lock alone may be passed', async () => {
  const { both, single, ids } = await lines()
  const [one, two] = ids
  await single(A, one)
  await single(B, one)
  await both(two).enter()
  expect(await both(two).look()).toMatchObject({ ahead: 1, isFirm: false })
})

test('it leaves both lines with the locks, and takes away what they leave', async () => {
  const { both, does, ids, keys } = await lines()
  const [one] = ids
  const { enter, look } = both(one)
  await enter()
  expect(await does((await look()).leaving)).toBe(true)
  expect(await keys()).toEqual([])
})

test('it leaves both lines without the locks, and others stay', async () => {
  const { both, ids, keys } = await lines()
  const [one, two] = ids
  for (const session of [one, two]) await both(session).enter()
  await both(one).leave()
  expect(await keys()).toEqual([A, B].flatMap((key) => [`${key}=queue`, `${key}=queue/${two}`]))
  await both(two).leave()
  expect(await keys()).toEqual([])
})

test('what takes it out of both needs no look', async () => {
  const { both, does, ids, keys } = await lines()
  const [one] = ids
  const { enter, set } = both(one)
  await enter()
  expect(await does(set.leaving)).toBe(true)
  expect(await keys()).toEqual([`${A}=queue`, `${B}=queue`])
})

test.each([A, B])('nobody goes ahead while somebody stands in the line of %s', async (key) => {
  const { both, single, does, ids } = await lines()
  const [one, two] = ids
  const { set } = both(two)
  expect(await does(set.ifNobodyQueues)).toBe(true)
  await single(key, one)
  expect(await does(set.ifNobodyQueues)).toBe(false)
})
