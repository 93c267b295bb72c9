import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { LOCK_FLAGS, MOST_LOCKS } from '../../../src/lock/lock-keys.ts'
import { lockSetOf } from '../../../src/lock/lock-set.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import type { Attempt, Rider } from '../../../src/lock/rider.ts'
import { Session } from '../../../src/lock/session.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, watchedOver, won } from '../../virtual/virtual-lock.ts'

const keyOf = (name: string) => `consul-locker-${name}`

const NAMED = { a: { name: 'a', key: keyOf('a') }, b: { name: 'b', key: keyOf('b') } }

/** Several locks, and who wants which of them. */
function locks() {
  const lock = virtualLock()
  const { clock, operator } = lock
  const said: string[] = []
  const tell = (line: string) => void said.push(line)
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: tell, warn: tell } }
  const want = (names: string, about: Partial<AcquireOptions> = {}) => {
    const [first = '', ...others] = [...names].map((name) => ({ name, key: keyOf(name) }))
    const [head, ...rest] = [first, ...others] as { name: string; key: string }[]
    if (!head) throw new Error('nothing')
    const compound = rest.length > 0 ? { compound: lockSetOf([head, ...rest]) } : {}
    return lock.acquire({ name: head.name, key: head.key, ...compound, ...about })
  }
  return {
    ...lock,
    ctx,
    said,
    want,
    has: async (names: string) => won(await clock.run(want(names))),
    holders: (names: string) => [...names].map((name) => operator.holder(keyOf(name))),
  }
}

describe('several locks', () => {
  test('are taken in one transaction, and given back in one', async () => {
    const { has, holders, clock, release, operator } = locks()
    const held = await has('abc')
    expect(holders('abc')).toEqual([held.session.id, held.session.id, held.session.id])
    const indexes = [...'abc'].map((name) => operator.entry(keyOf(name))?.modifyIndex)
    expect(new Set(indexes)).toEqual(new Set([held.fence]))
    await clock.run(release(held))
    expect(holders('abc')).toEqual([undefined, undefined, undefined])
    expect(operator.sessions()).toEqual([])
  })

  test('that are free are taken unseen, and free again at once for who comes next', async () => {
    const { has, clock, release, requests } = locks()
    const held = await has('abc')
    const taking = ['PUT /v1/session/create', 'PUT /v1/txn']
    expect(requests).toEqual(taking)
    requests.length = 0
    await clock.run(release(held))
    expect(requests).toEqual(['PUT /v1/txn', `PUT /v1/session/destroy/${held.session.id}`])
    requests.length = 0
    ;(await has('cb')).session.end()
    expect(requests).toEqual(taking)
  })

  test('as many as there may be fit into a transaction, with a queue to leave', async () => {
    const { want, has, clock, release } = locks()
    const names = 'abcdefghijklmnopqrstuvwxyz'.slice(0, MOST_LOCKS)
    const held = await has(names)
    const waiting = want(names)
    await clock.advance(1000)
    await clock.run(release(held))
    won(await clock.run(waiting)).session.end()
  })

  test('are taken all or none', async () => {
    const { has, want, holders, clock, release } = locks()
    const b = await has('b')
    expect(await clock.run(want('ab', { once: true }))).toBe('busy')
    const waiting = want('ab')
    await clock.advance(60_000)
    expect(holders('ab')).toEqual([undefined, b.session.id])
    await clock.run(release(b))
    const freeMs = clock.nowMs
    won(await clock.run(waiting)).session.end()
    expect(clock.nowMs).toBe(freeMs)
  })

  test.each(['a', 'b'])('are told to wait for %s when that is in the way', async (name) => {
    const { has, want, clock, release } = locks()
    const held = await has(name)
    const said: string[] = []
    const waiting = want('ab', { onWaiting: (sentence) => void said.push(sentence) })
    await clock.advance(1000)
    expect(said).toEqual([`waiting for ${name}: held by here`])
    await clock.run(release(held))
    won(await clock.run(waiting)).session.end()
  })

  test.each([
    ['ab', 'ba'],
    ['abc', 'cab'],
  ])('wanted as %s and as %s by turns never wait in a circle', async (one, other) => {
    const { want, clock, release } = locks()
    let ends = 0
    const work = async (names: string) => {
      for (let time = 0; time < 5; time++) {
        const held = won(await want(names))
        await release(held)
        ends += 1
      }
    }
    await clock.run(Promise.all([work(one), work(other), work(one), work(other)]), 600_000)
    expect(ends).toBe(20)
  })

  test('come before those who came later for one of them, however they are held by turns', async () => {
    const { want, has, clock, release } = locks()
    const [a, b] = [await has('a'), await has('b')]
    const order: string[] = []
    const both = want('ab').then((got) => {
      order.push('ab')
      return won(got)
    })
    await clock.advance(100)
    const later = ['a', 'b'].map(async (name) => {
      const got = won(await want(name))
      order.push(name)
      return got
    })
    await clock.advance(100)
    await clock.run(release(a))
    // The lock a is free now, and stays so for those who wait longest.
    await clock.advance(120_000)
    expect(order).toEqual([])
    await clock.run(release(b))
    const held = await clock.run(both)
    await clock.run(release(held))
    for (const { session } of await clock.run(Promise.all(later))) session.end()
    expect(order[0]).toBe('ab')
  })

  test('are left to those who wait for them by who tries once', async () => {
    const { want, has, clock, release } = locks()
    const b = await has('b')
    const both = want('ab')
    await clock.advance(100)
    expect(await clock.run(want('a', { once: true }))).toBe('busy')
    await clock.run(release(b))
    won(await clock.run(both)).session.end()
  })

  test('are in the way for ever when a run around us holds one', async () => {
    const { want, has, clock } = locks()
    const b = await has('b')
    await expect(clock.run(want('ab', { ancestors: [b.session.id] }))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('b is already held'),
    })
    b.session.end()
  })

  test('are in the way for ever, too, when somebody else holds another one', async () => {
    const { want, has, clock } = locks()
    const [a, b] = [await has('a'), await has('b')]
    await expect(clock.run(want('ab', { ancestors: [b.session.id] }))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('b is already held'),
    })
    for (const { session } of [a, b]) session.end()
  })

  test.each(['a', 'b'])('are refused where %s is somebody’s data', async (name) => {
    const { want, clock, ctx, consul, operator } = locks()
    const data = { verb: 'set', key: keyOf(name), value: 'data' } as const
    await clock.run(transact(ctx, consul(), [data]))
    await expect(clock.run(want('ab'))).rejects.toMatchObject({ code: 'usage' })
    expect(operator.sessions()).toEqual([])
  })

  test('are refused at once where one is data, though another one is held', async () => {
    const { has, want, clock, ctx, consul, operator } = locks()
    const a = await has('a')
    await clock.run(transact(ctx, consul(), [{ verb: 'set', key: keyOf('b'), value: 'data' }]))
    await expect(clock.run(want('ab'))).rejects.toMatchObject({ code: 'usage' })
    expect(operator.sessions().map(({ id }) => id)).toEqual([a.session.id])
    a.session.end()
  })

  test('are known for ours when the claim’s reply was lost', async () => {
    const { want, clock, meet } = locks()
    const attempts: boolean[] = []
    let claims = 0
    meet(({ path }) => (path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'cut' } } : {}))
    const riders = [
      {
        claiming: ({ isOurs }: Attempt) => {
          attempts.push(isOurs)
          return []
        },
      },
    ]
    won(await clock.run(want('ab', { riders }))).session.end()
    expect(attempts).toEqual([false, true])
  })

  test.each([
    ['', '', undefined],
    ['a', '', undefined],
    ['ab', '', 'ours'],
    ['a', 'b', 'theirs'],
    ['b', 'a', 'theirs'],
  ])('of which %j are ours, and %j another’s, show what keeps us from them', async (ours, theirs, expected) => {
    const { clock, ctx, consul, timing, requests } = locks()
    const client = consul()
    const both = []
    for (const [name, keys] of Object.entries({ ours, theirs })) {
      const session = await clock.run(Session.create(ctx, client, { name, timing }, false))
      session.end()
      const locking = [...keys].map(
        (key): TxnOp => ({ verb: 'lock', key: keyOf(key), value: name, flags: LOCK_FLAGS, session: session.id }),
      )
      if (locking.length > 0) await clock.run(transact(ctx, client, locking))
      both.push(session.id)
    }
    const set = await lockSetOf([NAMED.a, NAMED.b])(client, both[0] ?? '', [])
    requests.length = 0
    const { entry, index } = await clock.run(set.look(ctx, { index: 0, waitMs: 0 }))
    expect(requests).toEqual([...'ab'].map((name) => `GET /v1/kv/${keyOf(name)}`))
    expect(entry?.value).toBe(expected)
    expect(index).toBeGreaterThan(0)
  })

  test('tell a command the fence and the key of each', async () => {
    const { has } = locks()
    const held = await has('ab')
    expect(held.compound?.environment?.(7)).toEqual({
      CONSUL_LOCKER_FENCES: 'a=7 b=7',
      CONSUL_LOCKER_KEYS: `${keyOf('a')} ${keyOf('b')}`,
    })
    held.session.end()
  })

  test('wait for the lock-delay of one whose holder died', async () => {
    const { want, has, clock, operator, timing } = locks()
    const b = await has('b')
    b.session.end()
    operator.destroySession(b.session.id)
    const diedMs = clock.nowMs
    const held = won(await clock.run(want('ab')))
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    held.session.end()
  })
})

describe('several locks of which one has readers', () => {
  async function withReaders(count: number) {
    const all = locks()
    const readers = []
    for (let n = 0; n < count; n++) {
      const compound = readersOf('b', keyOf('b'))
      readers.push(won(await all.clock.run(all.acquire({ key: keyOf('b'), compound, behavior: 'delete' }))))
    }
    return { ...all, readers }
  }

  test('wait for those', async () => {
    const { readers, want, clock, release, holders } = await withReaders(2)
    expect(await clock.run(want('ab', { once: true }))).toBe('busy')
    const waiting = want('ab')
    await clock.advance(30_000)
    expect(holders('ab')).toEqual([undefined, undefined])
    for (const reader of readers) await clock.run(release(reader))
    const held = won(await clock.run(waiting))
    expect(holders('ab')).toEqual([held.session.id, held.session.id])
    held.session.end()
  })

  test('wait for the lock-delays of those that died, however many', async () => {
    const { readers, want, clock, timing, operator, holders } = await withReaders(20)
    for (const { session } of readers) {
      session.end()
      operator.destroySession(session.id)
    }
    const diedMs = clock.nowMs
    const held = won(await clock.run(want('ab')))
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    expect(holders('ab')).toEqual([held.session.id, held.session.id])
    held.session.end()
  })
})

describe('the holder of several locks', () => {
  async function watched() {
    const all = locks()
    return watchedOver(all, await all.has('ab'))
  }

  test.each(['a', 'b'])('has lost all when %s is released in its name, and gives the other one back', async (name) => {
    const { operator, clock, hold, end, release, ours, holders } = await watched()
    operator.forceRelease(keyOf(name))
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-released' })
    await clock.run(release(ours))
    expect(holders('ab')).toEqual([undefined, undefined])
    await end()
  })

  test.each(['a', 'b'])('sees by one look that %s was released in its name', async (name) => {
    const { ctx, operator, clock, hold, end } = await watched()
    expect(await clock.run(hold.isSeenLost(ctx))).toBe(false)
    operator.forceRelease(keyOf(name))
    expect(await clock.run(hold.isSeenLost(ctx))).toBe(true)
    await end()
  })

  test('has lost all when its session was destroyed', async () => {
    const { operator, clock, hold, end, ours } = await watched()
    operator.destroySession(ours.session.id)
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'session-gone' })
    await end()
  })

  test('has lost all when somebody writes something else where one was deleted', async () => {
    const { operator, clock, ctx, consul, hold, end } = await watched()
    operator.deleteKey(keyOf('b'))
    await clock.run(transact(ctx, consul(), [{ verb: 'set', key: keyOf('b'), value: 'data' }]))
    operator.deleteKey(keyOf('a'))
    await clock.advance(1000)
    expect(hold.lost.aborted).toBe(true)
    await end()
  })

  test.each(['a', 'b', 'ab'])('takes it again when somebody deletes %s', async (names) => {
    const { operator, clock, hold, end, ours, holders, said } = await watched()
    for (const name of names) operator.deleteKey(keyOf(name))
    await clock.advance(100)
    expect(hold.lost.aborted).toBe(false)
    expect(holders('ab')).toEqual([ours.session.id, ours.session.id])
    const indexes = [...'ab'].map((name) => operator.entry(keyOf(name))?.modifyIndex ?? 0)
    expect(hold.fence).toBe(Math.max(...indexes))
    expect(hold.fence).toBeGreaterThan(ours.fence)
    expect(said.some((line) => line.includes('took it again'))).toBe(true)
    await end()
  })

  test('has the fence of the locks alone, whatever a rider writes with them', async () => {
    let claims = 0
    const riders: Rider[] = [{ claiming: () => [{ verb: 'set', key: 'note', value: `${++claims}` }] }]
    const all = locks()
    const { operator, clock, hold, end, said } = await watchedOver(
      all,
      won(await all.clock.run(all.want('ab', { riders }))),
    )
    for (const name of 'ab') operator.deleteKey(keyOf(name))
    await clock.advance(100)
    expect(hold.fence).toBe(operator.entry(keyOf('a'))?.modifyIndex)
    expect(said.filter((line) => line.includes('took it again'))).toHaveLength(1)
    await end()
  })

  test('has lost all when somebody else was faster with one', async () => {
    const { clock, ctx, consul, hold, end, has, ours } = await watched()
    const other = await has('c')
    const key = keyOf('b')
    const taking = { verb: 'lock', key, value: '', flags: LOCK_FLAGS, session: other.session.id } as const
    await clock.run(transact(ctx, consul(), [{ verb: 'delete', key }, taking]))
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    expect(`${hold.lost.reason}`).toContain('the key of b is held by somebody else')
    expect(await clock.run(ours.compound?.release(ctx) ?? Promise.reject(new Error('a plain lock')))).toBe(true)
    other.session.end()
    await end()
  })

  test('gives all back at once, with nothing beside it', async () => {
    const { clock, ctx, ours, holders, requests, end } = await watched()
    await end()
    requests.length = 0
    expect(await clock.run(ours.compound?.release(ctx) ?? Promise.reject(new Error('a plain lock')))).toBe(true)
    expect(holders('ab')).toEqual([undefined, undefined])
    expect(requests).toEqual(['PUT /v1/txn'])
  })

  test('gives nothing back that is all somebody else’s', async () => {
    const { clock, ctx, operator, ours, end, holders, want } = await watched()
    operator.destroySession(ours.session.id)
    const next = won(await clock.run(want('ab')))
    expect(await clock.run(ours.compound?.release(ctx) ?? Promise.reject(new Error('a plain lock')))).toBe(false)
    expect(holders('ab')).toEqual([next.session.id, next.session.id])
    next.session.end()
    await end()
  })
})
