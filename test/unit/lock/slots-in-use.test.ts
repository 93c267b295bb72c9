import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { placeKey } from '../../../src/lock/queue.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { slotsInUse } from '../../../src/lock/slots-in-use.ts'
import { strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** The slots of a name, and how they are used. */
function slots() {
  const lock = virtualLock()
  const { key, clock, ctx, consul } = lock
  const place = slotsPlace(slotsKey(key, false), key)
  const want = () => lock.acquire({ key: place.list, compound: oneOfSlots('db', place, 3), behavior: 'delete' })
  return {
    ...lock,
    place,
    want,
    has: async () => won(await clock.run(want())),
    put: (at: string, value: string) =>
      clock.run(transact(ctx, consul(), [{ verb: 'set', key: at, value, flags: SEMAPHORE_FLAGS }])),
    inUse: () => clock.run(slotsInUse(ctx, consul(), place)),
  }
}

test('slots that nobody has are none', async () => {
  const { inUse, put, place } = slots()
  expect(await inUse()).toBeUndefined()
  await put(place.list, '{"Limit":3,"Holders":{}}')
  expect(await inUse()).toBeUndefined()
})

test('slots are told with those who have them in their order, those that are closed, and those who wait', async () => {
  const { inUse, has, want, put, place, clock, operator, release } = slots()
  const [one, dead, other] = [await has(), await has(), await has()]
  const waiting = want()
  await clock.advance(1000)
  for (const dead of ['one who died', 'another']) await put(placeKey(place.list, dead), '')
  expect(await inUse()).toMatchObject({ limit: 3, closed: 0, waiting: 1 })
  dead.session.end()
  operator.destroySession(dead.session.id)
  const { living, ...counts } = (await inUse()) ?? { living: [] }
  expect(living.map(({ session }) => session)).toEqual([one.session.id, other.session.id])
  expect(counts).toEqual({ limit: 3, closed: 1, waiting: 1 })
  for (const held of [one, other]) await clock.run(release(held))
  won(await clock.run(waiting)).session.end()
})

test('the line for slots is none of another name that begins like theirs', async () => {
  const { inUse, has, clock, ctx, consul, place } = slots()
  const held = await has()
  const key = `${place.list}=queue-of-shops/1`
  await clock.run(transact(ctx, consul(), [{ verb: 'lock', key, value: '', session: held.session.id }]))
  expect(await inUse()).toMatchObject({ waiting: 0 })
  held.session.end()
})

test('slots are told by a leader that has made sure that it is one, to whoever may read them', async () => {
  const { ctx, consul, place, meet } = slots()
  const paths: string[] = []
  meet(({ path }) => {
    paths.push(path)
    return { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } }
  })
  await expect(slotsInUse(ctx, consul(), place)).rejects.toMatchObject({
    code: 'refused',
    hint: expect.stringContaining('policy = "read"'),
  })
  expect(paths).toEqual([expect.stringContaining('consistent')])
})
