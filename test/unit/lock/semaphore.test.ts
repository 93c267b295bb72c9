import { describe, expect, test } from 'vitest'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { changeSlotLimit } from '../../../src/lock/change-slot-limit.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import type { Attempt, Rider } from '../../../src/lock/rider.ts'
import { Session } from '../../../src/lock/session.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { type VirtualLockOptions, virtualLock, watchedOver, won } from '../../virtual/virtual-lock.ts'

/** A name of slots that is one of readers, too, and what stands there. */
function semaphore(options: VirtualLockOptions = {}) {
  const lock = virtualLock(options)
  const { key, clock, ctx, consul, operator, timing } = lock
  const place = slotsPlace(slotsKey(key, false), key)
  const client = consul()
  const want = (limit: number, about: Partial<AcquireOptions> = {}) =>
    lock.acquire({ key: place.list, compound: oneOfSlots('db', place, limit), behavior: 'delete', ...about })
  const text = (at: string) => Buffer.from(operator.entry(at)?.value ?? '', 'base64').toString()
  return {
    ...lock,
    place,
    want,
    has: async (limit: number, about: Partial<AcquireOptions> = {}) => won(await clock.run(want(limit, about))),
    do: (...ops: TxnOp[]) => clock.run(transact(ctx, client, ops)),
    session: async () => {
      const session = await clock.run(Session.create(ctx, client, { name: 'one', timing, behavior: 'delete' }, false))
      session.end()
      return session.id
    },
    text,
    holders: () => Object.keys(JSON.parse(text(place.list) || '{}').Holders ?? {}),
    listing: (limit: number, ...sessions: string[]): TxnOp => ({
      verb: 'set',
      key: place.list,
      value: JSON.stringify({ Limit: limit, Holders: Object.fromEntries(sessions.map((id) => [id, true])) }),
      flags: SEMAPHORE_FLAGS,
    }),
  }
}

describe('a look at slots', () => {
  /** Sees the slots as we do, of whom two sessions beside ours are in line with the arguments. */
  async function looked(
    limit: number,
    inList: readonly number[],
    living: readonly number[],
    around: readonly number[] = [],
  ) {
    const all = semaphore()
    const ids = [await all.session(), await all.session(), await all.session()]
    const at = (numbers: readonly number[]) => numbers.map((n) => ids[n] as string)
    await all.do(all.listing(limit, ...at(inList)))
    for (const id of at(living)) {
      const key = `${all.place.contenders}${id}`
      await all.do({ verb: 'lock', key, value: '', flags: SEMAPHORE_FLAGS, session: id })
    }
    const [ours = ''] = ids
    const sight = await oneOfSlots('db', all.place, limit)(all.consul(), ours, at(around))
    const { entry, ...more } = await all.clock.run(sight.look(all.ctx, { index: 0, waitMs: 0 }))
    const held = entry && { who: ids.indexOf(entry.session ?? ''), others: entry.others }
    return { held, ...more }
  }

  test.each<[string, Parameters<typeof looked>, object | undefined]>([
    ['nothing where there is room', [2, [1], [1]], undefined],
    ['nothing where one of those in the list is dead', [2, [1, 2], [2]], undefined],
    ['ours', [2, [1, 0], [1, 0]], { who: 0 }],
    ['ours, though there are others and room', [3, [1, 0], [1, 0]], { who: 0 }],
    ['the first of those who are in', [2, [2, 1], [1, 2]], { who: 1, others: 1 }],
    ['who isn’t a run around us', [2, [1, 2], [1, 2], [1]], { who: 2, others: 1 }],
    ['a run around us when all are', [2, [1, 2], [1, 2], [1, 2]], { who: 1, others: 1 }],
  ])('shows %s', async (_, args, expected) => {
    const { held, isShared, index } = await looked(...args)
    expect({ held, isShared }).toEqual({ held: expected, isShared: false })
    expect(index).toBeGreaterThan(0)
  })
})

describe('a look of a reader', () => {
  test('tells whether others hold the lock beside whom it may come in', async () => {
    const { key, clock, ctx, consul, acquire, session, release } = semaphore()
    const sight = await readersOf('db', key)(consul(), await session(), [])
    const look = () => clock.run(sight.look(ctx, { index: 0, waitMs: 0 }))
    expect(await look()).toMatchObject({ entry: undefined, isShared: false })
    const reader = won(await clock.run(acquire({ compound: readersOf('db', key), behavior: 'delete' })))
    expect(await look()).toMatchObject({ entry: undefined, isShared: true })
    await clock.run(release(reader))
    const writer = won(await clock.run(acquire()))
    expect(await look()).toMatchObject({ entry: { session: writer.session.id }, isShared: false })
    writer.session.end()
  })
})

test('a reader waits for the lock-delay of a writer that dies while its claim is on the way', async () => {
  let commitMs = 0
  const { key, clock, acquire, operator, timing } = semaphore({ commitMs: () => commitMs })
  const writer = won(await clock.run(acquire()))
  commitMs = 20
  const reading = acquire({ compound: readersOf('db', key), behavior: 'delete' })
  await clock.advance(10)
  writer.session.end()
  operator.destroySession(writer.session.id)
  const diedMs = clock.nowMs
  const reader = won(await clock.run(reading))
  expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
  expect(operator.entry(key)).toMatchObject({ flags: SEMAPHORE_FLAGS, session: '' })
  reader.session.end()
})

describe('slots', () => {
  test('that are free are taken by one look, at all at once, and one claim, whoever is in', async () => {
    const { has, requests, key, place, meet, clock } = semaphore()
    meet(() => ({ backMs: 100 }))
    const looks = [place.list, key].map((at) => `GET /v1/kv/${at}`)
    for (const n of [1, 2]) {
      requests.length = 0
      const { session } = await has(2)
      expect(requests).toEqual(['PUT /v1/session/create', ...looks, 'PUT /v1/txn'])
      expect(clock.nowMs).toBe(n * 300)
      session.end()
    }
  })

  test('that are all taken are not even claimed by who tries once', async () => {
    const { has, want, clock, requests } = semaphore()
    const held = await has(1)
    requests.length = 0
    expect(await clock.run(want(1, { once: true }))).toBe('busy')
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(1)
    held.session.end()
  })

  test('are marked by the first who comes, and not anew', async () => {
    const { has, key, meet } = semaphore()
    const marking: string[] = []
    meet(({ body }) => {
      const [, verb] = new RegExp(`"Verb":"([^"]*)","Key":"${key}"`).exec(body ?? '') ?? []
      if (verb) marking.push(verb)
      return {}
    })
    const [one, two] = [await has(2), await has(2)]
    expect(marking).toEqual(['cas', 'check-index'])
    for (const { session } of [one, two]) session.end()
  })

  test('are known for ours when the claim’s reply was lost', async () => {
    const { has, want, clock, meet, holders } = semaphore()
    const other = await has(3)
    const attempts: boolean[] = []
    let claims = 0
    meet(({ path }) => (path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'cut' } } : {}))
    const rider: Rider = {
      claiming: ({ isOurs }: Attempt) => {
        attempts.push(isOurs)
        return []
      },
    }
    const held = won(await clock.run(want(3, { riders: [rider] })))
    expect(attempts).toEqual([false, true])
    expect(holders()).toEqual([other.session.id, held.session.id])
    for (const { session } of [other, held]) session.end()
  })

  test('aren’t ours by our own key alone, when somebody takes us out of the list meanwhile', async () => {
    const { has, want, clock, ctx, consul, meet, holders, listing } = semaphore()
    const other = await has(2)
    const striking = [listing(2, other.session.id)]
    let claims = 0
    meet(({ path }) => {
      if (path !== '/v1/txn') return {}
      claims += 1
      if (claims === 1) return { fault: { kind: 'cut' } }
      if (claims !== 3) return {}
      clock.after(5, () => transact(ctx, consul(), striking))
      return { outMs: 10 }
    })
    const held = won(await clock.run(want(2)))
    expect(claims).toBeGreaterThan(3)
    expect(holders()).toEqual([other.session.id, held.session.id])
    for (const { session } of [other, held]) session.end()
  })

  test('of more dead than one transaction takes are none in the list of who comes in', async () => {
    const { has, clock, operator, timing, holders } = semaphore()
    for (let n = 0; n < 20; n++) {
      const { session } = await has(20)
      session.end()
      operator.destroySession(session.id)
    }
    const diedMs = clock.nowMs
    const held = await has(1)
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    expect(holders()).toEqual([held.session.id])
    held.session.end()
  })

  test('that somebody gives back are looked at since, and claimed once', async () => {
    const { has, want, clock, release, requests, key, place } = semaphore()
    const held = await has(1)
    const waiting = want(1)
    await clock.advance(1000)
    requests.length = 0
    await clock.run(release(held))
    won(await clock.run(waiting)).session.end()
    const [list, marker] = [place.list, key].map((at) => `GET /v1/kv/${at}`)
    const [releasing, claiming] = [
      [list, marker, 'PUT /v1/txn'],
      [marker, 'PUT /v1/txn'],
    ]
    expect(requests.filter((line) => !line.includes('destroy'))).toEqual([...releasing, ...claiming])
  })

  test('of many dead are free at once when all lock-delays are over', async () => {
    const { has, clock, operator, timing } = semaphore()
    for (let n = 0; n < 50; n++) {
      const { session } = await has(50)
      session.end()
      operator.destroySession(session.id)
    }
    await clock.advance(timing.lockDelayMs)
    const freeMs = clock.nowMs
    const held = await has(1)
    expect(clock.nowMs).toBe(freeMs)
    held.session.end()
  })

  test('are given back though somebody comes at the same time', async () => {
    const { has, want, clock, meet, release, holders } = semaphore()
    const held = await has(2)
    const coming: ReturnType<typeof want>[] = []
    meet(({ path }) => {
      if (path !== '/v1/txn' || coming.length > 0) return {}
      coming.push(want(2))
      return { outMs: 10 }
    })
    expect(await clock.run(release(held))).toBe(true)
    const next = won(await clock.run(coming[0] ?? want(2)))
    expect(holders()).toEqual([next.session.id])
    next.session.end()
  })
})

describe('the word of a rider on a slot', () => {
  const NOTE = 'note'

  async function ridden() {
    const all = semaphore()
    const riders: Rider[] = [{ claiming: () => [], releasing: () => [{ verb: 'set', key: NOTE, value: 'released' }] }]
    return { ...all, held: await all.has(2, { riders }) }
  }

  test('is written as it is given back', async () => {
    const { clock, release, held, text, operator } = await ridden()
    expect(await clock.run(release(held))).toBe(true)
    expect([text(NOTE), operator.entry(held.key)]).toEqual(['released', undefined])
  })

  test('isn’t when it is no more in the list', async () => {
    const { clock, release, held, text, operator, do: write, listing } = await ridden()
    await write(listing(2))
    expect(await clock.run(release(held))).toBe(true)
    expect([text(NOTE), operator.entry(held.key)]).toEqual(['', undefined])
  })

  test('is not needed', async () => {
    const { clock, ctx, held, holders, requests } = await ridden()
    requests.length = 0
    expect(await clock.run(held.compound?.release(ctx) ?? Promise.reject(new Error('a plain lock')))).toBe(true)
    expect(holders()).toEqual([])
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(1)
    held.session.end()
  })
})

describe('the holder of a slot', () => {
  test('takes it again by the number that the others have since', async () => {
    const all = semaphore()
    const { clock, operator, ours, hold, end, listing, text, place } = await watchedOver(all, await all.has(2))
    const other = await all.has(2)
    const changed = listing(3, ours.session.id, other.session.id)
    await all.do(changed)
    operator.deleteKey(ours.key)
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(ours.key)).toBe(ours.session.id)
    expect(JSON.parse(text(place.list)).Limit).toBe(3)
    other.session.end()
    await end()
  })

  test.each([
    ['more of them', 5],
    ['fewer of them', 1],
  ])('takes it again by the number that was changed since, though nobody else is in: %s', async (_, limit) => {
    const all = semaphore()
    const { clock, ctx, consul, operator, ours, hold, end, text, place } = await watchedOver(all, await all.has(3))
    expect(await clock.run(changeSlotLimit(ctx, consul(), place, limit))).toBe(1)
    operator.deleteKey(ours.key)
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(ours.key)).toBe(ours.session.id)
    expect(JSON.parse(text(place.list)).Limit).toBe(limit)
    await end()
  })

  test('takes it again though there are fewer by now than are in', async () => {
    const all = semaphore()
    const other = await all.has(2)
    const { clock, ctx, consul, operator, ours, hold, end, holders, place } = await watchedOver(all, await all.has(2))
    await clock.run(changeSlotLimit(ctx, consul(), place, 1))
    operator.deleteKey(ours.key)
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(ours.key)).toBe(ours.session.id)
    expect(holders()).toEqual([other.session.id, ours.session.id])
    other.session.end()
    await end()
  })

  test('takes it again though another one is dead, whose lock-delay isn’t over', async () => {
    const all = semaphore()
    const dead = await all.has(2)
    const { clock, operator, ours, hold, end, holders } = await watchedOver(all, await all.has(2))
    dead.session.end()
    operator.destroySession(dead.session.id)
    operator.deleteKey(ours.key)
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(holders()).toEqual([dead.session.id, ours.session.id])
    await end()
  })

  test.each([
    ['becomes a lock', { verb: 'set', flags: LOCK_FLAGS }],
    ['is locked by somebody', { verb: 'lock', flags: SEMAPHORE_FLAGS }],
  ] as const)('has lost it when the list %s, whatever it says', async (_, op) => {
    const all = semaphore()
    const { clock, place, text, hold, end } = await watchedOver(all, await all.has(2))
    const session = await all.session()
    await all.do({ ...op, key: place.list, value: text(place.list), ...(op.verb === 'lock' && { session }) })
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })
})
