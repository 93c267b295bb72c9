import { describe, expect, test } from 'vitest'
import { readKey } from '../../../src/consul/kv.ts'
import { SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { writerAmong } from '../../../src/lock/writer.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** A lock with readers, or slots of its name. */
function library() {
  const lock = virtualLock()
  const { key, clock, ctx, consul, operator, acquire } = lock
  const list = slotsKey(key, false)
  const kinds = {
    readers: { compound: readersOf('db', key) },
    slots: { key: list, compound: oneOfSlots('db', slotsPlace(list, key), 20) },
  }
  const join = (kind: keyof typeof kinds) => acquire({ ...kinds[kind], behavior: 'delete' })
  const enter = async (kind: keyof typeof kinds) => won(await clock.run(join(kind)))
  return {
    ...lock,
    list,
    join,
    enter,
    /** So many of them that died. */
    async bury(kind: keyof typeof kinds, count: number) {
      for (let n = 0; n < count; n++) {
        const { session } = await enter(kind)
        session.end()
        operator.destroySession(session.id)
      }
    },
    /** What a contender for the lock sees. */
    async look(ancestors: readonly string[] = []) {
      const { entry } = await clock.run(readKey(ctx, consul(), key))
      const writer = entry && (await writerAmong(consul(), entry, ancestors))
      return writer && (await clock.run(writer.look(ctx, { index: 0, waitMs: 0 })))
    },
  }
}

describe('a contender for a lock', () => {
  test('sees who of its readers lives, and first of all a run around it', async () => {
    const { look, enter, bury } = library()
    await bury('readers', 1)
    expect(await look()).toEqual({ entry: undefined, index: expect.any(Number) })
    const [one, two] = [await enter('readers'), await enter('readers')]
    expect(await look()).toMatchObject({ entry: { session: one.session.id, others: 1 } })
    expect(await look([two.session.id])).toMatchObject({ entry: { session: two.session.id, others: 1 } })
    for (const { session } of [one, two]) session.end()
  })

  test('sees no list where there is none', async () => {
    const { look, acquire, clock } = library()
    const held = won(await clock.run(acquire()))
    expect(await look()).toBeUndefined()
    held.session.end()
  })

  test('doesn’t claim it while a reader lives', async () => {
    const { enter, acquire, clock, requests } = library()
    const reader = await enter('readers')
    requests.length = 0
    expect(await clock.run(acquire({ once: true }))).toBe('busy')
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(2)
    reader.session.end()
  })

  test('waits for another one who has it after the readers', async () => {
    const { enter, acquire, clock, release, requests } = library()
    const reader = await enter('readers')
    const all = [acquire(), acquire()]
    await clock.advance(1000)
    await clock.run(release(reader))
    const first = won(await clock.run(Promise.race(all)))
    await clock.advance(1000)
    requests.length = 0
    await clock.advance(8000)
    expect(requests.filter((line) => !line.includes('/renew/'))).toEqual([])
    await clock.run(release(first))
    const freeMs = clock.nowMs
    for (const held of await clock.run(Promise.all(all))) won(held).session.end()
    expect(clock.nowMs).toBe(freeMs)
  })

  test.each(['readers', 'slots'] as const)('waits for the last of many dead %s', async (kind) => {
    const { enter, bury, acquire, clock, operator, timing } = library()
    await bury(kind, 15)
    const last = await enter(kind)
    await clock.advance(timing.lockDelayMs - 5000)
    last.session.end()
    operator.destroySession(last.session.id)
    const diedMs = clock.nowMs
    const held = won(await clock.run(acquire()))
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    held.session.end()
  })

  test.each(['readers', 'slots'] as const)(
    'among dead %s leaves it to another one who comes at the same time',
    async (kind) => {
      const { bury, join, acquire, clock, meet, operator, timing, key } = library()
      await bury(kind, 1)
      await clock.advance(timing.lockDelayMs)
      const coming: ReturnType<typeof join>[] = []
      let claims = 0
      meet(({ path }) => {
        if (path !== '/v1/txn') return {}
        claims += 1
        if (claims !== 2) return {}
        coming.push(join(kind))
        return { outMs: 10 }
      })
      const got = clock.run(acquire({ once: true })).catch((thrown) => thrown.code)
      expect(await got).toBe(kind === 'readers' ? 'busy' : 'usage')
      expect(operator.entry(key)).toMatchObject({ flags: SEMAPHORE_FLAGS, session: '' })
      won(await clock.run(coming[0] ?? join(kind))).session.end()
    },
  )

  test.each(['readers', 'slots'] as const)(
    'among dead %s has it though the claim took most of the lease',
    async (kind) => {
      const { bury, acquire, clock, meet, timing, operator, key, list } = library()
      await bury(kind, 1)
      await clock.advance(timing.lockDelayMs)
      let claims = 0
      meet(({ path }) => (path === '/v1/txn' && ++claims === 2 ? { backMs: 12_000 } : {}))
      const held = won(await clock.run(acquire()))
      expect(operator.holder(key)).toBe(held.session.id)
      if (kind === 'slots') expect(operator.entry(list)).toBeUndefined()
      expect(held.session.hasTimeToStart()).toBe(true)
      held.session.end()
    },
  )
})
