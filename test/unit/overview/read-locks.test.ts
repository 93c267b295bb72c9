import { describe, expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS, slotsKey } from '../../../src/lock/lock-keys.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { Session } from '../../../src/lock/session.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import type { LocksRequest } from '../../../src/overview/lock-request.ts'
import { conditionOf } from '../../../src/overview/lock-view.ts'
import { readLocks } from '../../../src/overview/read-locks.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** A cluster in memory with a lock, and what is read of it. */
function cluster(key = 'consul-locker-db') {
  const lock = virtualLock({ key })
  const { clock, ctx, consul } = lock
  const read = (request: LocksRequest = {}) => clock.run(readLocks(ctx, consul(), request))
  return {
    ...lock,
    read,
    only: async (request: LocksRequest = {}) => {
      const { locks } = await read(request)
      expect(locks).toHaveLength(1)
      return locks[0]
    },
    put: (at: string, value: string | object, flags = 0n) =>
      clock.run(
        transact(ctx, consul(), [
          { verb: 'set', key: at, value: typeof value === 'string' ? value : JSON.stringify(value), flags },
        ]),
      ),
    hold: async (...about: Parameters<typeof lock.acquire>) => won(await clock.run(lock.acquire(...about))),
  }
}

const recordOf = (host: string, sinceMs: number) => () =>
  JSON.stringify({
    ...{ host, pid: 812, user: 'root', command: ['./bootstrap.sh'], runId: `run-${host}`, lockDelayMs: 24_000 },
    since: new Date(sinceMs).toISOString(),
  })

describe('the locks of a cluster', () => {
  test('are none where nothing stands', async () => {
    expect(await cluster().read()).toMatchObject({ locks: [], unseen: [] })
  })

  test('are shown with who holds them, and who waits in which order', async () => {
    const { hold, acquire, only, clock } = cluster()
    const ours = await hold({ record: recordOf('web3', 1000) })
    const others = [acquire(), acquire()]
    await clock.advance(1000)
    const lock = await only()
    expect(lock).toMatchObject({
      ...{ name: 'db', key: 'consul-locker-db', kind: 'lock', limit: 1 },
      holders: [
        {
          ...{ host: 'web3', pid: 812, user: 'root', command: ['./bootstrap.sh'], sinceMs: 1000, runId: 'run-web3' },
          ...{ session: ours.session.id, fence: ours.fence, isKept: false, lockDelayMs: 24_000 },
        },
      ],
    })
    expect(lock?.waiters).toHaveLength(2)
    expect(lock && conditionOf(lock, false)).toBe('held')
    ours.session.end()
    void others
  })

  test('are closed while Consul keeps them so, and then left by who never gave them back', async () => {
    const { hold, only, operator, clock } = cluster()
    const ours = await hold({ record: recordOf('web3', 1000) })
    operator.destroySession(ours.session.id)
    ours.session.end()
    const closed = await only()
    expect(closed).toMatchObject({ holders: [], closure: { places: 1 }, left: { host: 'web3' } })
    expect(closed && conditionOf(closed, false)).toBe('closed')
    expect((closed?.closure?.untilMs ?? 0) - clock.now().wallMs).toBe(24_000)
    await clock.advance(24_001)
    const left = await only()
    expect(left?.closure).toBeUndefined()
    expect(left && conditionOf(left, false)).toBe('left')
    expect(left?.runs).toMatchObject({ last: { host: 'web3', lost: 'unknown' } })
  })

  test('may have slots, of which some are taken and some are closed', async () => {
    const { hold, acquire, only, clock, operator, key } = cluster()
    const list = slotsKey(key, false)
    const slot = { key: list, compound: oneOfSlots('db', slotsPlace(list, key), 2), behavior: 'delete' } as const
    const [one, two] = [await hold(slot), await hold(slot)]
    const waiting = acquire(slot)
    await clock.advance(1000)
    expect(await only()).toMatchObject({
      ...{ name: 'db', key: list, kind: 'slots', limit: 2 },
      holders: [{ session: one.session.id }, { session: two.session.id }],
      waiters: [{}],
    })
    one.session.end()
    operator.destroySession(one.session.id)
    expect(await only()).toMatchObject({ holders: [{ session: two.session.id }], closure: { places: 1 } })
    two.session.end()
    void waiting
  })

  test('are waited for by consul lock -n with a key of its own', async () => {
    const { hold, only, clock, ctx, consul, key, timing } = cluster()
    const list = slotsKey(key, false)
    const slot = { key: list, compound: oneOfSlots('db', slotsPlace(list, key), 1), behavior: 'delete' } as const
    const ours = await hold(slot)
    const theirs = await clock.run(
      Session.create(ctx, consul(), { name: "Consul lock for 'sleep 60' at 'consul-locker-db'", timing }, false),
    )
    const own = `${key}/${theirs.id}`
    await clock.run(
      transact(ctx, consul(), [{ verb: 'lock', key: own, value: '', flags: SEMAPHORE_FLAGS, session: theirs.id }]),
    )
    expect(await only()).toMatchObject({
      holders: [{ session: ours.session.id }],
      waiters: [{ session: theirs.id, command: ['sleep 60'], host: expect.any(String) }],
    })
    for (const session of [ours.session, theirs]) session.end()
  })

  test('may have readers', async () => {
    const { hold, only, key } = cluster()
    const readers = { compound: readersOf('db', key), behavior: 'delete' } as const
    const [one, two] = [await hold(readers), await hold(readers)]
    expect(await only()).toMatchObject({
      ...{ name: 'db', kind: 'readers', limit: Number.POSITIVE_INFINITY },
      holders: [{ session: one.session.id }, { session: two.session.id }],
    })
    for (const { session } of [one, two]) session.end()
  })

  test('are known by their history and their pause, too', async () => {
    const { put, only, clock } = cluster()
    const nowMs = clock.now().wallMs
    const run = { runId: 'r', host: 'web3', user: 'root', command: 'sh', start: new Date(nowMs).toISOString(), code: 0 }
    await put('consul-locker-db=runs', { runs: [{ ...run, runId: 'q', code: 1 }, run] })
    const until = new Date(nowMs + 60_000).toISOString()
    await put('consul-locker-db=pause', { until, since: run.start, by: 'root@web2' })
    const lock = await only()
    expect(lock).toMatchObject({
      holders: [],
      pause: { pause: { by: 'root@web2' } },
      runs: { last: run, success: run, failure: { runId: 'q' } },
    })
    expect(lock && conditionOf(lock, false)).toBe('paused')
    expect(await only({ areAllRuns: true })).toMatchObject({ runs: { ended: [{ runId: 'q' }, { runId: 'r' }] } })
  })

  test.each([1, 2])('are known by the last run that lost them, too, however many came after it: %d', async (later) => {
    const { put, only } = cluster()
    const run = { runId: 'r', host: 'web3', user: 'root', command: 'sh', start: '2026-11-29T01:00:00.000Z' }
    const after = Array.from({ length: later }, (_, n) => ({ ...run, runId: `later-${n}`, code: 3 }))
    const [older, newer] = ['older', 'newer'].map((runId) => ({ ...run, runId, lost: 'deadline' }))
    await put('consul-locker-db=runs', { runs: [older, newer, ...after] })
    expect(await only()).toMatchObject({ runs: { lost: { runId: 'newer' }, failure: after.at(-1) } })
  })

  test('may all be paused', async () => {
    const { put, read, clock } = cluster()
    const [since, until] = [0, 60_000].map((ms) => new Date(clock.now().wallMs + ms).toISOString())
    await put('consul-locker=pause', { since, until, by: 'root@web2', reason: 'move' })
    expect(await read()).toMatchObject({ locks: [], pause: { pause: { reason: 'move' } } })
  })

  test.each([true, false])('are those of leaders that have made a master, or have not yet: %j', async (promoted) => {
    const { hold, only } = cluster('lock/redis/leader')
    const record = { node: 'web3', address: '10.0.0.3', port: 6379, promoted }
    const ours = await hold({ record: () => JSON.stringify(record) })
    expect(await only()).toMatchObject({ kind: 'leader', holders: [{ isPromoted: promoted }] })
    ours.session.end()
  })

  test('are those of leaders, too, with or without one', async () => {
    const { hold, put, read } = cluster('lock/redis/leader')
    const ours = await hold({ record: recordOf('web3', 1000) })
    await put('lock/redis/cluster', { term: 1 })
    await put('lock/mysql/cluster', { term: 1 })
    expect((await read()).locks).toMatchObject([
      { name: 'mysql', kind: 'leader', holders: [] },
      { name: 'redis', kind: 'leader', key: 'lock/redis/leader', holders: [{ host: 'web3' }] },
    ])
    ours.session.end()
  })

  test('are those of others, too, where they are asked for', async () => {
    const { hold, read, only } = cluster('site/deploy/.lock')
    const ours = await hold({ record: () => '' })
    expect((await read()).locks).toEqual([])
    const lock = await only({ prefixes: ['site/'] })
    expect(lock).toMatchObject({
      ...{ name: 'site/deploy', key: 'site/deploy/.lock', kind: 'lock' },
      holders: [{ host: expect.any(String), session: ours.session.id }],
    })
    ours.session.end()
  })

  test('are those whose names match', async () => {
    const { put, read } = cluster()
    for (const name of ['backup-db', 'backup-web', 'deploy']) await put(`consul-locker-${name}=runs`, '')
    const names = async (pattern: string) => (await read({ pattern })).locks.map(({ name }) => name)
    expect(await names('backup-*')).toEqual(['backup-db', 'backup-web'])
    expect(await names('*-d?')).toEqual(['backup-db'])
    expect(await names('deploy')).toEqual(['deploy'])
    expect(await names('deplo')).toEqual([])
  })

  test.each<[string, string, bigint]>([
    ['data', 'my data', 0n],
    ['a semaphore of something else', '{"Limit":"x"}', SEMAPHORE_FLAGS],
    ['a list of the wrong kind', '[1,2]', SEMAPHORE_FLAGS],
    ['a list of slots where readers stand', '{"Limit":3,"Holders":{}}', SEMAPHORE_FLAGS],
  ])('do without what is none: %s', async (_, value, flags) => {
    const { put, only } = cluster()
    await put('consul-locker-db', value, flags)
    expect(await only()).toMatchObject({
      kind: 'data',
      holders: [],
      trouble: expect.stringContaining('consul-locker-db'),
    })
  })

  test('are called by their key where that has no name behind its beginning', async () => {
    const { hold, only } = cluster('consul-locker-')
    const ours = await hold({ record: () => '' })
    expect(await only()).toMatchObject({ name: 'consul-locker-', kind: 'lock', holders: [{ fence: ours.fence }] })
    ours.session.end()
  })

  test.each<[string, string]>([
    ['consul-locker-db', '{"host":{},"pid":-1,"since":"then","command":[1]}'],
    ['consul-locker-db', '\u0000\u001b[2J'],
    ['consul-locker-db=runs', 'rubbish'],
    ['consul-locker-db=pause', 'rubbish'],
    ['consul-locker-db=queue', 'rubbish'],
    ['consul-locker-db=queue/x/y=z', 'rubbish'],
    ['consul-locker-db=shared/', 'rubbish'],
    ['consul-locker-db/.lock', 'rubbish'],
    ['consul-locker-=', 'rubbish'],
    ['lock/redis/leader', 'rubbish'],
    ['lock//leader', 'rubbish'],
  ])('bear rubbish at %s', async (key, value) => {
    const { put, read, hold } = cluster('consul-locker-other')
    const ours = await hold()
    for (const flags of [0n, LOCK_FLAGS, SEMAPHORE_FLAGS]) {
      await put(key, value, flags)
      const { locks } = await read()
      expect(locks.map(({ name }) => name)).toContain('other')
      expect(locks.flatMap(({ holders }) => holders)).toHaveLength(1)
    }
    ours.session.end()
  })
})
