import { afterEach, describe, expect, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { canBeContinued, type ForwardedSignal } from '../../../src/child/signals.ts'
import { holderRecord } from '../../../src/lock/holder-record.ts'
import { slotsKey } from '../../../src/lock/lock-keys.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { type KeepEnd, keepLock } from '../../../src/run/kept-lock.ts'
import type { LeaseStatus } from '../../../src/run/lease-socket.ts'
import { KEPT_MARK, requesterIn, requestRelease } from '../../../src/run/release-request.ts'
import { on } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

afterEach(() => vi.restoreAllMocks())

interface About {
  readonly areSeen?: boolean
  readonly keepMs?: number
  readonly waitMs?: number
  readonly tell?: () => Promise<void>
  readonly lock?: ReturnType<typeof virtualLock>
  /** Aborts when the users are gone. */
  readonly gone?: AbortController
}

/** Keeps a lock for users whom the test plays. */
function keeping({
  areSeen = true,
  keepMs = Number.POSITIVE_INFINITY,
  waitMs = Number.POSITIVE_INFINITY,
  tell,
  lock = virtualLock(),
  gone = new AbortController(),
}: About = {}) {
  const listeners: ((signal: ForwardedSignal) => void)[] = []
  const asked: string[] = []
  let told = 0
  let lease: (() => LeaseStatus) | undefined
  const holder = { host: 'here', pid: 1, user: 'somebody', command: ['hold'], runId: 'one' }
  const spec = {
    lock: { ...lock.spec, record: (nowMs: number) => holderRecord(holder, lock.timing, nowMs, KEPT_MARK) },
    waitMs,
    runId: 'one',
    keepMs,
  }
  const ended = keepLock(
    lock.ctx,
    {
      consul: lock.consul(),
      signals: {
        listen(receive) {
          listeners.push(receive)
          return { [Symbol.dispose]: () => void listeners.splice(listeners.indexOf(receive), 1) }
        },
      },
      users: {
        gone: gone.signal,
        areSeen,
        async tell() {
          told += 1
          await tell?.()
        },
        ask: (by) => void asked.push(by),
      },
      async serveLease(answer) {
        lease = answer
        return {
          [Symbol.dispose]() {
            lease = undefined
          },
        }
      },
    },
    spec,
  )
  let end: KeepEnd | undefined
  ended.then(
    (kind) => {
      end = kind
    },
    () => {},
  )
  return {
    ...lock,
    ended,
    end: () => end,
    told: () => told,
    asked,
    lease: () => lease?.(),
    leave: () => gone.abort(new AbortReason('the users have gone')),
    send: (signal: ForwardedSignal) => listeners.at(-1)?.(signal),
    ask: (ctx: Context, runId = 'one') => requestRelease(ctx, lock.consul(), lock.key, runId, 'root@web2'),
    isHeld: () => lock.operator.holder(lock.key) !== undefined,
    /** Whether somebody else can have it at once. */
    async isFree() {
      const tried = lock.acquire({ once: true, sessionName: 'other' })
      await lock.clock.advance(2000)
      const got = await tried
      if (got === 'busy' || got === 'skipped') return false
      await Promise.all([lock.release(won(got)), lock.clock.advance(2000)])
      return true
    },
  }
}

describe('a lock that is kept', () => {
  test('is told of once, answers for itself, and is given back when its users are gone', async () => {
    const kept = keeping()
    await kept.clock.advance(100_000)
    expect({ told: kept.told(), lease: kept.lease(), held: kept.isHeld() }).toMatchObject({
      told: 1,
      lease: { held: true },
      held: true,
    })
    kept.leave()
    await kept.clock.advance(1000)
    expect(kept.end()).toEqual({ kind: 'given-back' })
    expect({ lease: kept.lease(), sessions: kept.operator.sessions() }).toEqual({ lease: undefined, sessions: [] })
    expect(await kept.isFree()).toBe(true)
  })

  test('is waited for only while it has users', async () => {
    const kept = keeping()
    kept.leave()
    await kept.clock.advance(1000)
    expect(kept.end()).toEqual({ kind: 'unneeded' })
    expect(kept.told()).toBe(0)
    expect(kept.operator.sessions()).toEqual([])
  })

  test('is not even waited for when they have gone before', async () => {
    const gone = new AbortController()
    gone.abort(new AbortReason('the users have gone'))
    const kept = keeping({ gone })
    await kept.clock.advance(1000)
    expect({ end: kept.end(), told: kept.told() }).toEqual({ end: { kind: 'unneeded' }, told: 0 })
    expect(kept.operator.sessions()).toEqual([])
  })

  test('can’t be had where Consul can’t be reached', async () => {
    const lock = virtualLock({ fateOf: () => ({ fault: { kind: 'refused' } }) })
    const kept = keeping({ lock, waitMs: 0 })
    await expect(lock.clock.run(kept.ended)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('leaves nothing at Consul when its users go while it waits', async () => {
    const lock = virtualLock()
    const stranger = won(await lock.clock.run(lock.acquire({ sessionName: 'stranger' })))
    const kept = keeping({ lock })
    await kept.clock.advance(5000)
    kept.leave()
    let left: unknown
    kept.ended.then(() => {
      left = { sessions: kept.operator.sessions().length, queue: kept.operator.entry(`${kept.key}=queue`) }
    })
    await kept.clock.advance(5000)
    expect(kept.end()).toEqual({ kind: 'unneeded' })
    // Ours is gone by the time at which the wait has ended, and not later.
    expect(left).toEqual({ sessions: 1, queue: undefined })
    stranger.session.end()
  })

  test('that is lost is not given back', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    const session = kept.operator.holder(kept.key) as string
    kept.operator.destroySession(session)
    await kept.clock.advance(1000)
    expect(kept.end()).toMatchObject({ kind: 'lost', loss: { kind: 'session-gone' } })
    expect(await kept.isFree()).toBe(false)
  })

  test('that is lost has its session renewed no more', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    kept.operator.forceRelease(kept.key)
    await kept.clock.advance(1000)
    expect(kept.end()).toMatchObject({ kind: 'lost', loss: { kind: 'key-released' } })
    expect(kept.operator.sessions()).toHaveLength(1)
    await kept.clock.advance(2 * 2.02 * kept.timing.ttlMs)
    expect(kept.operator.sessions()).toEqual([])
  })

  test('answers with the fence that it has now', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    const fence = () => kept.operator.entry(kept.key)?.modifyIndex
    const first = fence()
    expect(kept.lease()).toMatchObject({ held: true, fence: first })
    kept.operator.deleteKey(kept.key)
    await kept.clock.advance(1000)
    expect(fence()).toBeGreaterThan(first as number)
    expect(kept.lease()).toMatchObject({ held: true, fence: fence() })
    kept.leave()
    await kept.clock.advance(1000)
  })

  test.each([[true], [false]])(
    'is given up when its time is over, and stays closed (users are seen: %s)',
    async (areSeen) => {
      const kept = keeping({ keepMs: 60_000, areSeen })
      await kept.clock.advance(59_000)
      expect(kept.isHeld()).toBe(true)
      await kept.clock.advance(2000)
      expect(kept.end()).toEqual({ kind: 'given-up' })
      expect(await kept.isFree()).toBe(false)
      await kept.clock.advance(24_000)
      expect(await kept.isFree()).toBe(true)
    },
  )

  test('is lost though its users go in the moment in which its time was over', async () => {
    const lock = virtualLock()
    const gone = new AbortController()
    lock.clock.after(lock.timing.ttlMs, () => gone.abort(new AbortReason('the users have gone')))
    const kept = keeping({ lock, gone })
    await lock.clock.advance(1000)
    lock.meet(on('/v1/session/renew', { fault: { kind: 'refused' } }))
    expect(await lock.clock.run(kept.ended)).toMatchObject({ kind: 'lost', loss: { kind: 'deadline' } })
    // It is left to expire.
    expect(lock.operator.sessions()).toHaveLength(1)
  })

  test('is given up, and closed at once, though the lease is over when its time is', async () => {
    const lock = virtualLock()
    const kept = keeping({ lock, keepMs: lock.timing.ttlMs })
    await lock.clock.advance(1000)
    lock.meet(on('/v1/session/renew', { fault: { kind: 'refused' } }))
    expect(await lock.clock.run(kept.ended)).toEqual({ kind: 'given-up' })
    expect(lock.operator.sessions()).toEqual([])
  })

  test('is given up within two seconds though Consul doesn’t answer', async () => {
    const kept = keeping({ keepMs: 5000 })
    await kept.clock.advance(1000)
    kept.meet(on('/v1/session/destroy', { fault: { kind: 'black-hole' } }))
    await kept.clock.advance(5999)
    expect(kept.end()).toBeUndefined()
    await kept.clock.advance(1)
    expect(kept.end()).toEqual({ kind: 'given-up' })
    // Its session is renewed no more.
    await kept.clock.advance(2 * 2.02 * kept.timing.ttlMs)
    expect(kept.operator.sessions()).toEqual([])
  })

  test('of which nobody can be told is given back', async () => {
    const kept = keeping({ tell: () => Promise.reject(new Error('nobody reads')) })
    const rejected = expect(kept.ended).rejects.toThrow('nobody reads')
    await kept.clock.advance(1000)
    await rejected
    expect(await kept.isFree()).toBe(true)
  })
})

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s gives the lock back when nobody is seen', async (signal) => {
    const kept = keeping({ areSeen: false })
    await kept.clock.advance(1000)
    kept.send(signal)
    await kept.clock.advance(1000)
    expect(kept.end()).toEqual({ kind: 'given-back', signal })
    expect(await kept.isFree()).toBe(true)
  })

  test('SIGTSTP stops us, and keeps the lock, when nobody is seen', async () => {
    const sent: unknown[][] = []
    vi.spyOn(process, 'kill').mockImplementation((...words) => {
      sent.push(words)
      return true
    })
    const kept = keeping({ areSeen: false })
    await kept.clock.advance(1000)
    kept.send('SIGUSR1')
    expect(sent).toEqual([])
    kept.send('SIGTSTP')
    expect(sent).toEqual(canBeContinued() ? [[process.pid, 'SIGSTOP']] : [])
    await kept.clock.advance(1000)
    expect({ end: kept.end(), held: kept.isHeld() }).toEqual({ end: undefined, held: true })
    kept.leave()
    await kept.clock.advance(1000)
  })

  test('lets users who are seen go first, for the grace', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    kept.send('SIGTERM')
    await kept.clock.advance(4900)
    expect(kept.end()).toBeUndefined()
    kept.leave()
    await kept.clock.advance(1000)
    expect(kept.end()).toEqual({ kind: 'given-back' })
    expect(await kept.isFree()).toBe(true)
  })

  test.each([
    ['after the grace', 5100, false],
    ['at once at a second one', 100, true],
  ])('gives the lock up %s when they stay', async (_, ms, twice) => {
    const kept = keeping()
    await kept.clock.advance(1000)
    kept.send('SIGTERM')
    await kept.clock.advance(10)
    if (twice) kept.send('SIGTERM')
    await kept.clock.advance(ms)
    expect(kept.end()).toEqual({ kind: 'given-up', signal: 'SIGTERM' })
    expect(await kept.isFree()).toBe(false)
  })

  test.each(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGUSR1', 'SIGWINCH'] as const)(
    '%s is no business of ours while users are seen',
    async (signal) => {
      const kept = keeping()
      await kept.clock.advance(1000)
      kept.send(signal)
      await kept.clock.advance(20_000)
      expect(kept.end()).toBeUndefined()
      expect(kept.isHeld()).toBe(true)
      kept.leave()
      await kept.clock.advance(1000)
    },
  )
})

describe('a request for the lock', () => {
  test('is heeded at once when nobody is seen', async () => {
    const kept = keeping({ areSeen: false })
    await kept.clock.advance(1000)
    const answer = kept.ask(kept.ctx)
    await kept.clock.advance(2000)
    expect(await answer).toEqual({ kind: 'given-back' })
    expect(kept.end()).toEqual({ kind: 'given-back', by: 'root@web2' })
    expect(kept.asked).toEqual(['root@web2'])
  })

  test('is told to users who are seen, and heeded when they are gone', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    const answer = kept.ask(kept.ctx)
    await kept.clock.advance(60_000)
    expect({ asked: kept.asked, end: kept.end(), held: kept.isHeld() }).toEqual({
      asked: ['root@web2'],
      end: undefined,
      held: true,
    })
    kept.leave()
    await kept.clock.advance(1000)
    expect(await answer).toEqual({ kind: 'given-back' })
  })

  test('hears that the lock was lost', async () => {
    const kept = keeping()
    await kept.clock.advance(1000)
    const answer = kept.ask(kept.ctx)
    await kept.clock.advance(1000)
    kept.operator.destroySession(kept.operator.holder(kept.key) as string)
    await kept.clock.advance(1000)
    expect(await answer).toEqual({ kind: 'lost' })
  })

  test('of another run changes nothing', async () => {
    const kept = keeping({ areSeen: false })
    await kept.clock.advance(1000)
    const answer = kept.ask(kept.ctx, 'two')
    await kept.clock.advance(1000)
    expect(await answer).toMatchObject({ kind: 'others' })
    expect({ end: kept.end(), asked: kept.asked }).toEqual({ end: undefined, asked: [] })
    kept.leave()
    await kept.clock.advance(1000)
    const late = kept.ask(kept.ctx)
    await kept.clock.advance(1000)
    expect(await late).toEqual({ kind: 'free' })
  })

  test('of a run with a command changes nothing', async () => {
    const lock = virtualLock()
    const record = () => JSON.stringify({ runId: 'one' })
    const [held] = await Promise.all([lock.acquire({ record }), lock.clock.advance(1000)])
    const answer = requestRelease(lock.ctx, lock.consul(), lock.key, 'one', 'root@web2')
    await lock.clock.advance(1000)
    expect(await answer).toMatchObject({ kind: 'command' })
    await Promise.all([lock.release(won(held)), lock.clock.advance(1000)])
  })

  test.each([
    ['', undefined],
    ['{', undefined],
    ['[]', undefined],
    ['null', undefined],
    ['{"kept":true,"runId":"one"}', undefined],
    ['{"kept":true,"runId":"two","releaseAskedBy":"root@web2"}', undefined],
    ['{"releaseAskedBy":"root@web2"}', undefined],
    ['{"runId":"one","releaseAskedBy":"root@web2"}', 'root@web2'],
    ['{"kept":true,"runId":"one","releaseAskedBy":["root"]}', undefined],
    [`{"kept":true,"runId":"one","releaseAskedBy":"root@web2","more":"${'x'.repeat(8192)}"}`, undefined],
    ['{"kept":true,"runId":"one","releaseAskedBy":"root@web2"}', 'root@web2'],
  ])('reads %j as by %s', (value, by) => {
    expect(requesterIn(value, 'one')).toBe(by)
  })
})

describe('a place among several that is asked for', () => {
  const kinds = {
    slots: (key: string) => oneOfSlots('db', slotsPlace(slotsKey(key, false), key), 2),
    readers: (key: string) => readersOf('db', key),
  }

  async function asked(kind: keyof typeof kinds) {
    const lock = virtualLock()
    const { clock, ctx, consul, key, timing } = lock
    const holder = { host: 'here', pid: 1, user: 'somebody', command: ['hold'], runId: 'one' }
    const held = won(
      await clock.run(
        lock.acquire({
          key: kind === 'slots' ? slotsKey(key, false) : key,
          compound: kinds[kind](key),
          behavior: 'delete',
          record: (nowMs) => holderRecord(holder, timing, nowMs, KEPT_MARK),
        }),
      ),
    )
    const before = lock.requests.length
    const answer = requestRelease(ctx, consul(), held.key, 'one', 'root@web2')
    await clock.advance(10)
    return { ...lock, held, answer, asked: () => lock.requests.slice(before) }
  }

  test.each(['slots', 'readers'] as const)('is given back (%s)', async (kind) => {
    const { clock, release, held, answer } = await asked(kind)
    await clock.run(release(held))
    expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
  })

  test.each(['slots', 'readers'] as const)('is lost with its session, and closed (%s)', async (kind) => {
    const { clock, operator, held, answer } = await asked(kind)
    held.session.end()
    operator.destroySession(held.session.id)
    expect(await clock.run(answer)).toEqual({ kind: 'lost' })
  })

  test.each(['slots', 'readers'] as const)('is looked at as the leader knows it (%s)', async (kind) => {
    const { clock, operator, held, answer, asked: requests } = await asked(kind)
    held.session.end()
    operator.destroySession(held.session.id)
    await clock.run(answer)
    const reads = requests().filter((request) => request.startsWith('GET /v1/kv/'))
    expect(reads.length).toBeGreaterThan(2)
    expect(reads.filter((read) => !read.includes('consistent'))).toEqual([])
  })
})
