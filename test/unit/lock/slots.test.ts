import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import type { Policy } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, watchedOver, won } from '../../virtual/virtual-lock.ts'

/** Slots of a name, on a wire that can go bad, and what is said meanwhile. */
function slots() {
  let fateOf: Policy = () => ({})
  const lock = virtualLock({ fateOf: (request) => fateOf(request) })
  const { key, clock, consul, operator } = lock
  const place = slotsPlace(slotsKey(key, false), key)
  const said: string[] = []
  const tell = (line: string) => void said.push(line)
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: tell, warn: tell } }
  const text = (at: string) => Buffer.from(operator.entry(at)?.value ?? '', 'base64').toString()
  return {
    ...lock,
    place,
    ctx,
    said,
    want: (limit: number, about: Partial<AcquireOptions> = {}) =>
      lock.acquire({ key: place.list, compound: oneOfSlots('db', place, limit), behavior: 'delete', ...about }),
    has: async (limit: number, about: Partial<AcquireOptions> = {}) =>
      won(
        await clock.run(
          lock.acquire({ key: place.list, compound: oneOfSlots('db', place, limit), behavior: 'delete', ...about }),
        ),
      ),
    put: (at: string, value: string, flags = SEMAPHORE_FLAGS) =>
      clock.run(transact(ctx, consul(), [{ verb: 'set', key: at, value, flags }])),
    list: () => JSON.parse(text(place.list) || 'null'),
    keys: () => [key, place.list, `${place.list}=queue`].filter((at) => operator.entry(at) !== undefined),
    meet(next: Policy) {
      fateOf = next
    },
  }
}

const listOf = (Limit: number, ...sessions: string[]) => ({
  Limit,
  Holders: Object.fromEntries(sessions.map((id) => [id, true])),
})

describe('slots', () => {
  test('are given to as many as there are, as consul lock -n would write it down', async () => {
    const { has, want, list, clock, operator, place, key } = slots()
    const [one, two] = [await has(2), await has(2)]
    expect(list()).toEqual(listOf(2, one.session.id, two.session.id))
    expect(operator.entry(place.list)).toMatchObject({ flags: SEMAPHORE_FLAGS, session: '' })
    expect(operator.entry(one.key)).toMatchObject({ flags: SEMAPHORE_FLAGS, session: one.session.id })
    expect(one.key).toBe(`${key}/${one.session.id}`)
    expect(operator.sessions().map(({ behavior }) => behavior)).toEqual(['delete', 'delete'])
    expect(await clock.run(want(2, { once: true }))).toBe('busy')
    for (const held of [one, two]) held.session.end()
  })

  test('have fences that grow from holder to holder', async () => {
    const { has, operator } = slots()
    const [one, two] = [await has(3), await has(3)]
    expect(two.fence).toBeGreaterThan(one.fence)
    expect(operator.entry(two.key)?.modifyIndex).toBe(two.fence)
    for (const held of [one, two]) held.session.end()
  })

  test('are waited for in a line that is counted, for of several holders none tells how many came before', async () => {
    const { has, want, clock, release } = slots()
    const [one, two] = [await has(2), await has(2)]
    const heard: string[] = []
    const all = [want(2), want(2), want(2)]
    await clock.advance(1000)
    await clock.run(release(two))
    all.push(want(2, { onWaiting: (sentence) => void heard.push(sentence) }))
    await clock.advance(1000)
    expect(heard.at(-1)).toContain('3rd in line')
    await clock.run(release(one))
    for (const waiter of all) await clock.run(release(won(await clock.run(waiter))))
  })

  test('leave nothing when the last has gone', async () => {
    const { has, clock, release, keys, operator, list } = slots()
    const [one, two] = [await has(2), await has(2)]
    await clock.run(release(one))
    expect(list()).toEqual(listOf(2, two.session.id))
    await clock.run(release(two))
    expect(keys()).toEqual([])
    expect(operator.sessions()).toEqual([])
  })

  test('go to those who wait in the order in which they came', async () => {
    const { has, want, clock, release } = slots()
    const held = await has(1)
    const came: string[] = []
    const waiters = ['first', 'second', 'third'].map(async (name, n) => {
      await clock.advance(n * 100)
      const got = won(await want(1, { sessionName: name }))
      came.push(name)
      await release(got)
    })
    await clock.advance(1000)
    await clock.run(release(held))
    await clock.run(Promise.all(waiters))
    expect(came).toEqual(['first', 'second', 'third'])
  })

  test('of a holder whose session died are closed for its lock-delay, and no longer', async () => {
    const { has, want, clock, operator, timing, list } = slots()
    const [dead, other] = [await has(2), await has(2)]
    dead.session.end()
    operator.destroySession(dead.session.id)
    const diedMs = clock.nowMs
    const next = won(await clock.run(want(2)))
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    expect(clock.nowMs - diedMs).toBeLessThan(timing.lockDelayMs + 2000)
    expect(list()).toEqual(listOf(2, other.session.id, next.session.id))
    for (const held of [other, next]) held.session.end()
  })

  test('that somebody gives back meanwhile are taken, though another one is closed', async () => {
    const { has, want, clock, operator, release } = slots()
    const [dead, other] = [await has(2), await has(2)]
    dead.session.end()
    operator.destroySession(dead.session.id)
    const waiting = want(2)
    await clock.advance(5000)
    await clock.run(release(other))
    const next = won(await clock.run(waiting))
    expect(clock.nowMs).toBeLessThan(7000)
    next.session.end()
  })

  test('that somebody gives back are taken, though the other one’s lock-delay is known', async () => {
    const { has, want, clock, operator, release } = slots()
    const [dead, other] = [await has(2), await has(2)]
    const waiting = want(2)
    await clock.advance(1000)
    dead.session.end()
    operator.destroySession(dead.session.id)
    await clock.advance(12_000)
    await clock.run(release(other))
    const next = won(await clock.run(waiting))
    expect(clock.nowMs).toBeLessThan(15_000)
    next.session.end()
  })

  test('of many dead are all given away in the end', async () => {
    const { has, want, clock, operator } = slots()
    const dead = []
    for (let n = 0; n < 40; n++) dead.push(await has(40))
    for (const { session } of dead) {
      session.end()
      operator.destroySession(session.id)
    }
    const next = won(await clock.run(want(1)))
    next.session.end()
  })

  test.each([
    [2, 3],
    [3, 2],
    [1, 2],
  ])('that are %i are no %i, and one sentence says so', async (first, second) => {
    const { has, want, clock } = slots()
    const held = await has(first)
    await expect(clock.run(want(second))).rejects.toMatchObject({
      code: 'usage',
      message: `db has ${first} ${first === 1 ? 'slot' : 'slots'}, and --slots says ${second}`,
      hint: expect.stringContaining(`consul-locker slots db ${second}`),
    })
    held.session.end()
  })

  test('are refused to one of two that come at once and differ in their number', async () => {
    const { want, clock } = slots()
    const ends = await clock.run(Promise.allSettled([want(2), want(3)]))
    const [held] = ends.flatMap((end) => (end.status === 'fulfilled' ? [won(end.value)] : []))
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    expect(refused).toEqual([
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('--slots says') }),
    ])
    held?.session.end()
  })

  test('follow a change of their number while somebody waits for one', async () => {
    const { has, want, clock, put, place } = slots()
    const held = await has(1)
    const waiting = want(1)
    await clock.advance(1000)
    await put(place.list, JSON.stringify(listOf(2, held.session.id)))
    const next = won(await clock.run(waiting))
    for (const one of [held, next]) one.session.end()
  })

  test('that were lowered below their holders let nobody in before enough have gone', async () => {
    const { has, want, clock, put, place, release, list } = slots()
    const [one, two] = [await has(2), await has(2)]
    await put(place.list, JSON.stringify(listOf(1, one.session.id, two.session.id)))
    expect(await clock.run(want(1, { once: true }))).toBe('busy')
    await clock.run(release(one))
    expect(await clock.run(want(1, { once: true }))).toBe('busy')
    await clock.run(release(two))
    const next = won(await clock.run(want(1)))
    expect(list()).toEqual(listOf(1, next.session.id))
    next.session.end()
  })

  test('whose holders all died have the number of who comes next', async () => {
    const { has, want, clock, operator, list } = slots()
    const dead = await has(2)
    dead.session.end()
    operator.destroySession(dead.session.id)
    const next = won(await clock.run(want(5)))
    expect(list()).toEqual(listOf(5, next.session.id))
    next.session.end()
  })

  test.each([
    ['rubbish', 'rubbish', SEMAPHORE_FLAGS],
    ['a list of lists', '{"Limit":2,"Holders":[]}', SEMAPHORE_FLAGS],
    ['a limit that is none', '{"Limit":"2","Holders":{}}', SEMAPHORE_FLAGS],
    ['a limit of 0', '{"Limit":0,"Holders":{}}', SEMAPHORE_FLAGS],
    ['readers', '{"Readers":{}}', SEMAPHORE_FLAGS],
    ['somebody’s data', '{"Limit":2,"Holders":{}}', 0n],
    ['a lock of consul lock', '', LOCK_FLAGS],
  ])('stay closed where their key has %s', async (_, value, flags) => {
    const { put, want, clock, place, operator } = slots()
    await put(place.list, value, flags)
    const before = operator.entry(place.list)
    await expect(clock.run(want(2))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(place.list),
    })
    expect(operator.entry(place.list)).toBe(before)
    expect(operator.sessions()).toEqual([])
  })

  test.each(['', '{"Limit":2,"Holders":null}', '{"Limit":9,"Holders":{}}', '{"Limit":2,"Holders":{"somebody":true}}'])(
    'are free where their key has %s',
    async (value) => {
      const { put, want, clock, place, list } = slots()
      await put(place.list, value)
      const held = won(await clock.run(want(1)))
      expect(list()).toEqual(listOf(1, held.session.id))
      held.session.end()
    },
  )
})

describe('a name of slots', () => {
  test('is no lock while somebody is in, and is one afterwards', async () => {
    const { has, acquire, clock, release } = slots()
    const held = await has(2)
    await expect(clock.run(acquire())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('semaphore'),
    })
    await clock.run(release(held))
    won(await clock.run(acquire())).session.end()
  })

  test('that is held as a lock is refused, and waited for when that lock’s holder has died', async () => {
    const { want, acquire, clock, operator, timing } = slots()
    const lock = won(await clock.run(acquire()))
    await expect(clock.run(want(2))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('plain lock'),
    })
    lock.session.end()
    operator.destroySession(lock.session.id)
    const diedMs = clock.nowMs
    const held = won(await clock.run(want(2)))
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    held.session.end()
  })

  test.each([1, 20])(
    'is a lock again when its holders, %i of them, have died and their lock-delays are over',
    async (count) => {
      const { has, acquire, clock, operator, timing, place, key } = slots()
      const dead = []
      for (let n = 0; n < count; n++) dead.push(await has(count))
      for (const { session } of dead) {
        session.end()
        operator.destroySession(session.id)
      }
      const diedMs = clock.nowMs
      const lock = won(await clock.run(acquire()))
      expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
      expect(operator.entry(place.list)).toBeUndefined()
      expect(operator.entry(key)).toMatchObject({ flags: LOCK_FLAGS, session: lock.session.id })
      lock.session.end()
    },
  )

  test('is a lock again when somebody has deleted the list', async () => {
    const { has, acquire, clock, operator, place } = slots()
    const held = await has(2)
    operator.deleteKey(place.list)
    won(await clock.run(acquire())).session.end()
    held.session.end()
  })

  test('that somebody takes for slots meanwhile is left to that one', async () => {
    const { has, want, acquire, meet, clock, operator, place, key } = slots()
    const held = await has(2)
    operator.deleteKey(place.list)
    let isFirst = true
    const coming: ReturnType<typeof want>[] = []
    meet(({ path, body }) => {
      if (path !== '/v1/txn' || !isFirst || !body?.includes(`"check-not-exists","Key":"${place.list}"`)) return {}
      isFirst = false
      clock.after(5, () => void coming.push(want(2)))
      return { outMs: 10 }
    })
    await expect(clock.run(acquire())).rejects.toMatchObject({ code: 'usage' })
    const next = won(await clock.run(coming[0] ?? want(2)))
    expect(operator.entry(key)?.flags).toBe(SEMAPHORE_FLAGS)
    for (const { session } of [held, next]) session.end()
  })

  test.each([
    ['somebody’s data', 'data', 0n, 'holds data'],
    ['a copy of the mark', '{"Slots":"consul-locker-virtual/.lock"}', 0n, 'holds data'],
    ['readers', '{"Readers":{}}', SEMAPHORE_FLAGS, 'belongs to another semaphore'],
    ['the mark of other slots', '{"Slots":"other/.lock"}', SEMAPHORE_FLAGS, 'belongs to another semaphore'],
  ])('that holds %s is refused', async (_, value, flags, what) => {
    const { put, want, clock, key, operator } = slots()
    await put(key, value, flags)
    const message = expect.stringContaining(`${key} ${what}`)
    await expect(clock.run(want(2))).rejects.toMatchObject({ code: 'usage', message })
    expect(operator.sessions()).toEqual([])
  })

  test.each([
    ['svc/.lock', { list: 'svc/.lock', contenders: 'svc/' }],
    ['a/b/.lock', { list: 'a/b/.lock', contenders: 'a/b/' }],
  ])('with the key %s is that of consul lock', (key, place) => {
    expect(slotsPlace(slotsKey(key, true))).toMatchObject(place)
  })

  test('can’t have a key that consul lock couldn’t name', () => {
    expect(() => slotsKey('svc/lock', true)).toThrow('--slots can')
  })
})

describe('the holder of a slot', () => {
  async function watched() {
    const all = slots()
    return watchedOver(all, await all.has(2))
  }

  test('has lost it when its session was destroyed', async () => {
    const { operator, clock, ours, hold, end } = await watched()
    operator.destroySession(ours.session.id)
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'session-gone' })
    await end()
  })

  test.each([
    ['its own key', (all: Awaited<ReturnType<typeof watched>>) => [all.ours.key]],
    ['the list', (all: Awaited<ReturnType<typeof watched>>) => [all.place.list]],
    ['all', (all: Awaited<ReturnType<typeof watched>>) => [all.ours.key, all.place.list, all.key]],
  ])('takes it again when somebody deletes %s', async (_, keys) => {
    const all = await watched()
    const { operator, clock, ours, hold, list, said, end, fenceOf } = { ...all, fenceOf: all.hold.fence }
    for (const key of keys(all)) operator.deleteKey(key)
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(hold.fence).toBeGreaterThan(fenceOf)
    expect(list()).toEqual(listOf(2, ours.session.id))
    expect(operator.entry(ours.key)).toMatchObject({ session: ours.session.id, modifyIndex: hold.fence })
    expect(said.filter((line) => line.includes('took it again'))).toHaveLength(1)
    await end()
  })

  test('has lost it when others were faster', async () => {
    const { place, clock, hold, put, has, end } = await watched()
    const other = await has(2)
    await put(place.list, JSON.stringify(listOf(1, other.session.id)))
    await clock.advance(100)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    other.session.end()
    await end()
  })

  test('takes it again when somebody takes it out of the list, and there is room', async () => {
    const { place, clock, hold, put, has, list, ours, end } = await watched()
    const other = await has(2)
    await put(place.list, JSON.stringify(listOf(2, other.session.id)))
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(hold.fence).toBeGreaterThan(other.fence)
    expect(list()).toEqual(listOf(2, other.session.id, ours.session.id))
    other.session.end()
    await end()
  })

  test('takes it again though the first claim gets no answer', async () => {
    const { operator, clock, hold, meet, ours, end } = await watched()
    meet(({ path }) => (path === '/v1/txn' ? { fault: { kind: 'refused' } } : {}))
    operator.deleteKey(ours.key)
    await clock.advance(100)
    meet(() => ({}))
    await clock.advance(1000)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(ours.key)).toBe(ours.session.id)
    await end()
  })

  test('has lost it when its name is something else by the time that its key is deleted', async () => {
    const { operator, clock, hold, put, key, ours, end } = await watched()
    await put(key, 'data', 0n)
    operator.deleteKey(ours.key)
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('has lost it when somebody writes something else over the list', async () => {
    const { place, clock, hold, put, end } = await watched()
    await put(place.list, 'rubbish')
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('keeps it whoever comes and goes', async () => {
    const { has, clock, hold, release, ours, end } = await watched()
    const other = await has(2)
    await clock.advance(1000)
    await clock.run(release(other))
    await clock.advance(1000)
    expect(hold.lost.aborted).toBe(false)
    expect(hold.fence).toBe(ours.fence)
    await end()
  })
})
