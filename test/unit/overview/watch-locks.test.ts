import { describe, expect, test } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import { transact } from '../../../src/consul/txn.ts'
import { conditionOf, type LocksView } from '../../../src/overview/lock-view.ts'
import { watchLocks } from '../../../src/overview/watch-locks.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const ENOUGH = new AbortReason('enough was seen')

/** A lock in memory that is watched from now on. */
async function watched() {
  const lock = virtualLock({ key: 'consul-locker-db' })
  const { clock, ctx, consul, requests } = lock
  const controller = new AbortController()
  const views: LocksView[] = []
  const watching = watchLocks({ ...ctx, signal: controller.signal }, consul(), {}, (view) => {
    views.push(view)
  })
  const ended = watching.catch((reason: unknown) => reason)
  await clock.advance(1000)
  return {
    ...lock,
    views,
    /** How the lock is now, as it was told last. */
    condition: () => {
      const [one] = views.at(-1)?.locks ?? []
      return one && conditionOf(one, false)
    },
    readings: () => requests.filter((request) => request.includes('recurse')).length,
    async end() {
      controller.abort(ENOUGH)
      expect(await ended).toBe(ENOUGH)
    },
  }
}

describe('who watches all locks', () => {
  test('is told what there is at once, and of each change', async () => {
    const { acquire, clock, views, condition, release, end } = await watched()
    expect(views).toMatchObject([{ locks: [] }])
    const held = won(await clock.run(acquire()))
    await clock.advance(1000)
    expect(condition()).toBe('held')
    await clock.run(release(held))
    await clock.advance(1000)
    expect(condition()).toBeUndefined()
    await end()
  })

  test('asks for nothing but a sign while nothing changes', async () => {
    const { acquire, clock, views, readings, end } = await watched()
    const held = won(await clock.run(acquire()))
    await clock.advance(1000)
    const [seen, read] = [views.length, readings()]
    await clock.advance(300_000)
    expect([views.length, readings()]).toEqual([seen, read])
    held.session.end()
    await end()
  })

  test('reads no more often than five times a second, however much changes', async () => {
    const { clock, ctx, consul, readings, views, end } = await watched()
    const client = consul()
    const before = readings()
    for (let n = 0; n < 100; n++) {
      await clock.run(transact(ctx, client, [{ verb: 'set', key: 'consul-locker-db=runs', value: `${n}` }]))
      await clock.advance(20)
    }
    await clock.advance(1000)
    expect((readings() - before) / 3).toBeLessThanOrEqual(12)
    expect(views.length).toBeGreaterThan(5)
    await end()
  })

  test('reads no more while whoever is told has not taken it', async () => {
    const { clock, ctx, consul, acquire, release } = virtualLock({ key: 'consul-locker-db' })
    const controller = new AbortController()
    const taken = Promise.withResolvers<void>()
    const views: LocksView[] = []
    const watching = watchLocks({ ...ctx, signal: controller.signal }, consul(), {}, (view) => {
      views.push(view)
      return taken.promise
    })
    const ended = watching.catch((reason: unknown) => reason)
    await clock.advance(1000)
    const held = won(await clock.run(acquire()))
    await clock.advance(10_000)
    expect(views).toHaveLength(1)
    taken.resolve()
    await clock.advance(1000)
    expect(views.at(-1)?.locks).toMatchObject([{ name: 'db' }])
    await clock.run(release(held))
    controller.abort(ENOUGH)
    expect(await ended).toBe(ENOUGH)
  })

  test('hears that a lock is open again, though no key says so', async () => {
    const { acquire, clock, condition, operator, views, end } = await watched()
    const held = won(await clock.run(acquire()))
    await clock.advance(1000)
    held.session.end()
    operator.destroySession(held.session.id)
    const closedAt = clock.now().wallMs
    await clock.advance(1000)
    expect(condition()).toBe('closed')
    await clock.advance(10_000)
    const untilMs = views.at(-1)?.locks[0]?.closure?.untilMs ?? 0
    expect(untilMs - closedAt).toBeLessThanOrEqual(25_000)
    await clock.advance(16_000)
    expect(condition()).toBe('free')
    await end()
  })
})
