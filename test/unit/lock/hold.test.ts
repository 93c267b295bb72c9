import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import type { ClaimResult } from '../../../src/lock/claim.ts'
import type { CompoundLock } from '../../../src/lock/compound-lock.ts'
import { Hold } from '../../../src/lock/hold.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import type { Attempt, Rider } from '../../../src/lock/rider.ts'
import { on } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** A lock that is held and watched over, on a wire that can go bad, and what somebody else does to its key. */
async function held(about: Partial<AcquireOptions> = {}) {
  const lock = virtualLock()
  const { clock, consul, key, acquire } = lock
  const said: string[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, warn: (line) => void said.push(line) } }
  const ours = won(await clock.run(acquire(about)))
  const seen: string[] = []
  const hold = new Hold(ctx, consul(), ours, ({ value }) => void seen.push(value))
  await clock.advance(1000)
  return {
    ...lock,
    ctx,
    ours,
    hold,
    /** What people are warned of. */
    said,
    /** The key's values, as far as we heard of them. */
    seen,
    /** Releases the key in our name and takes it in the same instant. */
    async seize() {
      const { session } = won(await clock.run(acquire({ key: 'consul-locker-other' })))
      const released = { verb: 'unlock', key, value: '', flags: LOCK_FLAGS, session: ours.session.id } as const
      await clock.run(transact(ctx, consul(), [released, { ...released, verb: 'lock', session: session.id }]))
      session.end()
      return session.id
    },
    async end() {
      await hold.end()
      ours.session.end()
    },
  }
}

describe('a hold', () => {
  test('is lost when somebody else holds the key', async () => {
    const { clock, hold, seize, end } = await held()
    const other = await seize()
    await clock.advance(1)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken', sentence: expect.stringContaining(other) })
    await end()
  })

  test('is lost when somebody releases the key in our name', async () => {
    const { clock, key, operator, hold, end } = await held()
    operator.forceRelease(key)
    await clock.advance(1)
    const sentence = 'somebody released the key in our name'
    expect(hold.lost.reason).toMatchObject({ kind: 'key-released', sentence })
    await end()
  })

  test.each(['released', 'gone with its session'])(
    'doesn’t blame anybody for a key that is %s, unheard',
    async (how) => {
      const { clock, key, ours, operator, hold, meet, end } = await held()
      meet(on('/v1/session/renew', { fault: { kind: 'refused' } }))
      if (how === 'released') operator.forceRelease(key)
      else operator.destroySession(ours.session.id)
      await clock.advance(1000)
      const sentence = 'nobody holds the key (it was released, or our session destroyed)'
      expect(hold.lost.reason).toMatchObject({ kind: 'key-released', sentence })
      await end()
    },
  )

  test.each(['nothing', 'a deletion', 'a release', 'a seizure', 'the end of its session', 'an outage'])(
    'sees by one look whether %s has left it the lock',
    async (what) => {
      const { clock, ctx, key, ours, operator, hold, seize, meet, end } = await held()
      if (what === 'a deletion') operator.deleteKey(key)
      if (what === 'a release') operator.forceRelease(key)
      if (what === 'a seizure') await seize()
      if (what === 'the end of its session') operator.destroySession(ours.session.id)
      if (what === 'an outage') meet(() => ({ fault: { kind: 'black-hole' } }))
      const isLost = ['a release', 'a seizure', 'the end of its session'].includes(what)
      expect(await clock.run(hold.isSeenLost(ctx))).toBe(isLost)
      await end()
    },
  )

  test('is lost when its session is destroyed', async () => {
    const { clock, ours, operator, hold, end } = await held()
    operator.destroySession(ours.session.id)
    await clock.advance(1)
    expect(hold.lost.reason).toMatchObject({ kind: 'session-gone' })
    await end()
  })

  test('goes on under a new fence when somebody deletes the key', async () => {
    const { clock, key, ours, operator, hold, end } = await held()
    operator.deleteKey(key)
    await clock.advance(1)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(key)).toBe(ours.session.id)
    expect(hold.fence).toBeGreaterThan(ours.fence)
    await end()
  })

  test('goes on being watched after it was taken again', async () => {
    const { clock, key, operator, hold, seize, end } = await held()
    operator.deleteKey(key)
    await clock.advance(1)
    await seize()
    await clock.advance(1)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('is taken again with a rider that needn’t hear of it', async () => {
    const { clock, key, ours, operator, hold, end } = await held({ riders: [{ claiming: () => [] }] })
    operator.deleteKey(key)
    await clock.advance(1)
    expect(hold.lost.aborted).toBe(false)
    expect(hold.fence).toBeGreaterThan(ours.fence)
    await end()
  })

  test('is taken again with its riders, who hear of it, as people do', async () => {
    const attempts: Attempt[] = []
    let grants = 0
    const rider: Rider = {
      claiming: (attempt) => {
        attempts.push(attempt)
        return []
      },
      granted: () => void grants++,
    }
    const { clock, key, operator, hold, said, end } = await held({ riders: [rider] })
    const nowMs = clock.now().wallMs
    attempts.splice(0)
    grants = 0
    operator.deleteKey(key)
    await clock.advance(1)
    expect({ attempts, grants }).toEqual({ attempts: [{ seen: undefined, isOurs: true, nowMs }], grants: 1 })
    expect(said).toEqual([`someone deleted the key ${key} while we held it; took it again (fence ${hold.fence})`])
    await end()
  })

  describe('of a lock that is claimed in a way of its own', () => {
    /** Such a lock, whose key is deleted, and whose claims end so, one after the other. */
    async function deleted(...ends: readonly (ClaimResult | Failure)[]) {
      const all = await held()
      const { clock, ctx, consul, ours, key, operator } = all
      await all.hold.end()
      const claims: unknown[] = []
      const compound = {
        watched: () => [],
        claim: async (_: Context, ...request: readonly unknown[]) => {
          const end = ends[claims.push(request) - 1]
          if (end instanceof Failure) throw end
          return end
        },
      } as unknown as CompoundLock
      const lock = { ...ours, compound, riders: [] }
      const hold = new Hold(ctx, consul(), lock)
      await clock.advance(1000)
      operator.deleteKey(key)
      return { ...all, hold, lock, claims, end: () => hold.end().then(() => ours.session.end()) }
    }
    const again = (fence: number): ClaimResult => ({ kind: 'held', fence, entries: [] })

    test('it is claimed so again, for as long as others change something', async () => {
      const { clock, hold, lock, claims, said, end } = await deleted({ kind: 'changed' }, again(4711))
      await clock.advance(1)
      const request = [lock, true, [], []]
      expect({ claims, fence: hold.fence, lost: hold.lost.aborted }).toEqual({
        ...{ claims: [request, request], fence: 4711, lost: false },
      })
      expect(said).toHaveLength(1)
      await end()
    })

    test('nothing more is said when it was taken again by then', async () => {
      const { clock, operator, claims, said, end } = await deleted(again(4711), again(4711))
      await clock.advance(1)
      operator.stirBlockedReads()
      await clock.advance(1)
      expect([claims.length, said.length]).toEqual([2, 1])
      await end()
    })

    test('it is lost when something else stands there', async () => {
      const { clock, hold, end } = await deleted(new Failure('usage', 'the key holds data and is no lock'))
      await clock.advance(1)
      expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
      await end()
    })

    test('it is tried again after other failures', async () => {
      const { clock, hold, claims, end } = await deleted(new Failure('unreachable', 'no'), again(4711))
      await clock.advance(5000)
      expect([claims.length, hold.fence, hold.lost.aborted]).toEqual([2, 4711, false])
      await end()
    })

    test('the session is asked for when its key is closed', async () => {
      const { clock, hold, operator, ours, end } = await deleted({ kind: 'lock-delay' })
      operator.destroySession(ours.session.id)
      await clock.advance(1)
      expect(hold.lost.reason).toMatchObject({ kind: 'session-gone' })
      await end()
    })
  })

  test('is taken again though the first claim gets no answer', async () => {
    const { clock, key, ours, operator, hold, meet, end } = await held()
    meet(({ path }) => (path.startsWith('/v1/txn') ? { fault: { kind: 'black-hole' } } : {}))
    operator.deleteKey(key)
    await clock.advance(1)
    meet(() => ({}))
    await clock.advance(5000)
    expect(hold.lost.aborted).toBe(false)
    expect(operator.holder(key)).toBe(ours.session.id)
    expect(hold.fence).toBeGreaterThan(ours.fence)
    await end()
  })

  test('is lost when somebody takes the deleted key before us', async () => {
    const { clock, key, ours, operator, hold, meet, acquire, end } = await held()
    meet(({ path, body }) => {
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'black-hole' } }
      return body?.includes(ours.session.id) ? { outMs: 500 } : {}
    })
    operator.deleteKey(key)
    await clock.advance(1)
    const other = won(await clock.run(acquire()))
    await clock.advance(500)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    expect(operator.holder(key)).toBe(other.session.id)
    other.session.end()
    await end()
  })

  test('is lost when its session is destroyed with the key', async () => {
    const { clock, key, ours, operator, hold, meet, end } = await held()
    meet(({ path }) => (path.startsWith('/v1/txn') ? { outMs: 500 } : {}))
    operator.deleteKey(key)
    await clock.advance(1)
    operator.destroySession(ours.session.id)
    await clock.advance(500)
    expect(hold.lost.reason).toMatchObject({ kind: 'session-gone' })
    await end()
  })

  test('outlives reads of its key that fail, and learns afterwards who has it', async () => {
    const { clock, operator, hold, meet, seize, end } = await held()
    meet(({ path }) => (path.startsWith('/v1/kv') ? { fault: { kind: 'refused' } } : {}))
    operator.stirBlockedReads()
    await clock.advance(5000)
    expect(hold.lost.aborted).toBe(false)
    await seize()
    meet(() => ({}))
    await clock.advance(5000)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('looks soon after a failure, however long it had to wait after those before', async () => {
    const { clock, operator, hold, meet, seize, end } = await held()
    const fail = () => meet(({ path }) => (path.startsWith('/v1/kv') ? { fault: { kind: 'refused' } } : {}))
    fail()
    operator.stirBlockedReads()
    await clock.advance(20_000)
    meet(() => ({}))
    await clock.advance(5000)
    fail()
    operator.stirBlockedReads()
    await clock.advance(1)
    meet(() => ({}))
    await seize()
    await clock.advance(250)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('tells what its key says whenever that is written, for as long as it is ours', async () => {
    const { clock, ctx, consul, key, ours, operator, seen, seize, end } = await held()
    const write = (value: string) =>
      transact(ctx, consul(), [{ verb: 'lock', key, value, flags: LOCK_FLAGS, session: ours.session.id }])
    await clock.run(write('asked'))
    expect(seen).toEqual(['asked'])
    operator.deleteKey(key)
    await clock.advance(1)
    expect(seen).toEqual(['asked', ours.value])
    await seize()
    await clock.advance(1)
    expect(seen).toHaveLength(2)
    await end()
  })

  test('believes only a leader that has made sure that it is one', async () => {
    const reads: string[] = []
    const { clock, ctx, operator, hold, meet, end } = await held()
    meet(({ path }) => {
      if (path.startsWith('/v1/kv')) reads.push(path)
      return {}
    })
    operator.stirBlockedReads()
    await clock.advance(1)
    await clock.run(hold.isSeenLost(ctx))
    expect(reads).toEqual([expect.stringContaining('consistent'), expect.stringContaining('consistent')])
    await end()
  })

  test('is lost by its deadline when no renewal comes through, and not before', async () => {
    const { clock, timing, ours, hold, meet, end } = await held()
    meet(() => ({ fault: { kind: 'black-hole' } }))
    await clock.advance(ours.session.leaseLeftMs() - 1)
    expect(hold.lost.aborted).toBe(false)
    await clock.advance(1)
    expect(hold.lost.reason).toMatchObject({ kind: 'deadline' })
    expect(clock.nowMs).toBe(timing.ttlMs)
    await end()
  })

  test('is lost on time when the last renewal came soon after another', async () => {
    const { clock, ctx, consul, timing, ours, hold, meet, end } = await held()
    await clock.run(ours.session.renew(ctx, consul()))
    meet(() => ({ fault: { kind: 'black-hole' } }))
    await clock.advance(timing.ttlMs - 1)
    expect(hold.lost.aborted).toBe(false)
    await clock.advance(1)
    expect(hold.lost.reason).toMatchObject({ kind: 'deadline' })
    await end()
  })

  test('is no more lost once its end is expected', async () => {
    const { clock, key, operator, hold, end } = await held()
    hold.expectEnd()
    operator.forceRelease(key)
    await clock.advance(60_000)
    expect(hold.lost.aborted).toBe(false)
    await end()
  })

  test('leaves a key alone that is deleted when its end is expected', async () => {
    const { clock, key, operator, hold, end } = await held()
    hold.expectEnd()
    operator.deleteKey(key)
    await clock.advance(60_000)
    expect(operator.holder(key)).toBeUndefined()
    await end()
  })

  test('is not lost by its end, and asks nothing more', async () => {
    let requests = 0
    const { clock, hold, meet, end } = await held()
    await end()
    meet(() => {
      requests += 1
      return {}
    })
    await clock.advance(60_000)
    expect(hold.lost.aborted).toBe(false)
    expect(requests).toBe(0)
  })

  test('can be ended before its first look', async () => {
    const { ctx, consul, ours, end } = await held()
    const brief = new Hold(ctx, consul(), ours)
    await brief.end()
    expect(brief.lost.aborted).toBe(false)
    await end()
  })

  test('is by the session that is renewed, and by no other', async () => {
    const { ctx, consul, ours, end } = await held()
    expect(() => new Hold(ctx, consul(), { ...ours, sessionId: 'other' })).toThrow('the session that is renewed')
    await end()
  })
})
