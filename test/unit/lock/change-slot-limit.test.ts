import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { changeSlotLimit } from '../../../src/lock/change-slot-limit.ts'
import { SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** The slots of a name, of which there are two. */
function slots() {
  const lock = virtualLock()
  const { key, clock, ctx, consul, operator } = lock
  const place = slotsPlace(slotsKey(key, false), key)
  const put = (value: string) =>
    transact(ctx, consul(), [{ verb: 'set', key: place.list, value, flags: SEMAPHORE_FLAGS }])
  return {
    ...lock,
    place,
    has: async () =>
      won(await clock.run(lock.acquire({ key: place.list, compound: oneOfSlots('db', place, 2), behavior: 'delete' }))),
    put,
    change: (limit: number) => clock.run(changeSlotLimit(ctx, consul(), place, limit)),
    list: () => Buffer.from(operator.entry(place.list)?.value ?? '', 'base64').toString(),
  }
}

const listOf = (limit: number, ...sessions: string[]) =>
  JSON.stringify({ Limit: limit, Holders: Object.fromEntries(sessions.map((id) => [id, true])) })

test('slots that nobody has keep no number', async () => {
  const { change, clock, put, list } = slots()
  expect(await change(3)).toBeUndefined()
  expect(list()).toBe('')
  await clock.run(put(listOf(2)))
  expect(await change(3)).toBeUndefined()
  expect(list()).toBe(listOf(2))
})

test('the number of slots changes for those who have them, whose number is told', async () => {
  const { change, has, list, operator, place } = slots()
  const [one, two] = [await has(), await has()]
  expect(await change(5)).toBe(2)
  expect(list()).toBe(listOf(5, one.session.id, two.session.id))
  expect(operator.entry(place.list)?.flags).toBe(SEMAPHORE_FLAGS)
  for (const { session } of [one, two]) session.end()
})

test('a number that is the same is not written', async () => {
  const { change, has, requests } = slots()
  const held = await has()
  requests.splice(0)
  expect(await change(2)).toBe(1)
  expect(requests).toEqual([expect.stringMatching(/^GET /)])
  held.session.end()
})

test('a number is written after all when somebody was faster, and overwrites nobody', async () => {
  const { change, has, put, meet, clock, list } = slots()
  const held = await has()
  let isFirst = true
  meet(({ path }) => {
    if (path !== '/v1/txn' || !isFirst) return {}
    isFirst = false
    clock.after(5, () => put(listOf(2, held.session.id, 'another')))
    return { outMs: 10 }
  })
  expect(await change(4)).toBe(2)
  expect(list()).toBe(listOf(4, held.session.id, 'another'))
  held.session.end()
})

test('a list that changes all the time is given up', async () => {
  const { change, has, put, meet, clock, list } = slots()
  const held = await has()
  let tries = 0
  meet(({ path, body }) => {
    if (path !== '/v1/txn' || !body?.includes('"cas"')) return {}
    tries += 1
    clock.after(5, () => put(listOf(2, held.session.id, `another ${tries}`)))
    return { outMs: 10 }
  })
  await expect(change(4)).rejects.toMatchObject({ code: 'conflict' })
  expect(tries).toBe(100)
  expect(list()).toBe(listOf(2, held.session.id, 'another 100'))
  held.session.end()
})
