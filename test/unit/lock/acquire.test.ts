import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { acquire } from '../../../src/lock/acquire.ts'
import { type AcquireOptions, WAIT_OVER } from '../../../src/lock/acquire-options.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS } from '../../../src/lock/lock-keys.ts'
import type { NextAttempt, Rider } from '../../../src/lock/rider.ts'
import { Session } from '../../../src/lock/session.ts'
import { on, type Policy } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const REFUSED: Policy = () => ({ fault: { kind: 'refused' } })

/** A lock that others may want, on a wire that can go bad, and what is said and asked meanwhile. */
function contended() {
  const lock = virtualLock()
  const { clock, consul, key, timing } = lock
  const said: string[] = []
  const stop = new AbortController()
  const ctx: Context = {
    ...lock.ctx,
    signal: stop.signal,
    log: { ...SILENT, notice: (line) => void said.push(line), warn: (line) => void said.push(line) },
  }
  return {
    ...lock,
    ctx,
    said,
    stop: (reason: unknown) => stop.abort(reason),
    /** Begins to wait by a client of its own. */
    want: (about: Partial<AcquireOptions> = {}) =>
      acquire(ctx, consul(), {
        name: 'db',
        key,
        sessionName: 'wants',
        record: () => JSON.stringify({ host: 'web2', lockDelayMs: timing.lockDelayMs }),
        timing,
        once: false,
        ancestors: [],
        onSession() {},
        ...about,
      }),
    /** Somebody who stands in line, and takes nothing. */
    async idler(value = '') {
      const session = await clock.run(Session.create(ctx, consul(), { name: 'idle', timing }, false))
      const ticket: TxnOp = { verb: 'lock', key: `${key}=queue/${session.id}`, value, session: session.id }
      await clock.run(transact(ctx, consul(), [{ verb: 'set', key: `${key}=queue`, value: session.id }, ticket]))
      return session
    },
    put: (key: string, value = '', flags = LOCK_FLAGS) =>
      clock.run(transact(ctx, consul(), [{ verb: 'set', key, value, flags }])),
    data: () => clock.run(transact(ctx, consul(), [{ verb: 'set', key, value: 'data' }])),
  }
}

describe('a lock that was left behind', () => {
  test('goes back to what it was when who claimed it leaves without learning that it had it', async () => {
    const { clock, want, meet, operator, key, timing } = contended()
    const dead = won(await clock.run(want()))
    operator.destroySession(dead.sessionId)
    dead.session.end()
    await clock.advance(timing.lockDelayMs)
    const before = operator.entry(key)
    let claims = 0
    // The first sees that the key is there, the second takes it.
    meet(({ path }) => (path === '/v1/txn' && ++claims === 2 ? { fault: { kind: 'reply-lost' } } : {}))
    await expect(clock.run(want({ once: true, record: () => 'mine' }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(operator.entry(key)).toMatchObject({ value: before?.value, flags: before?.flags, session: '' })
    expect(operator.sessions()).toEqual([])
    meet(() => ({}))
    const next = won(await clock.run(want()))
    next.session.end()
  })
})

describe('a free lock', () => {
  test('that is given back because its lease can’t be renewed is deleted, whatever was left there', async () => {
    const { clock, want, put, meet, operator, key } = contended()
    await put(key, '{"host":"web9"}')
    let claims = 0
    // The first sees that the key is there, the second takes it, late, and the third claims it anew.
    meet(({ path }) => {
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'refused' } }
      if (path.startsWith('/v1/session/create')) return { backMs: 4000 }
      return path === '/v1/txn' && ++claims === 2 ? { backMs: 9000 } : {}
    })
    await expect(clock.run(want({ once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(operator.entry(key)).toBeUndefined()
  })

  test('costs a session and a transaction', async () => {
    const { clock, want, requests, operator, key } = contended()
    const held = won(await clock.run(want()))
    expect(requests).toEqual(['PUT /v1/session/create', 'PUT /v1/txn'])
    expect(held).toMatchObject({ key, fence: operator.entry(key)?.modifyIndex, sessionId: held.session.id })
    held.session.end()
  })

  test.each([true, false])('whose key is there is looked at, and taken; once: %s', async (once) => {
    const { clock, want, put, key } = contended()
    await put(key)
    const held = won(await clock.run(want({ once })))
    expect(clock.nowMs).toBe(0)
    held.session.end()
  })

  test('that is obtained so late is given back when the renewal fails, by who tries once', async () => {
    const { clock, want, meet, operator } = contended()
    meet(({ path }) => {
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'refused' } }
      if (clock.nowMs >= 13_000) return {}
      return { backMs: path.startsWith('/v1/txn') ? 9000 : 4000 }
    })
    await expect(clock.run(want({ once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(operator.sessions()).toEqual([])
  })

  test('that is obtained so late is given back when it can’t be claimed anew, by who tries once', async () => {
    const { clock, want, meet, operator } = contended()
    let claims = 0
    meet(({ path }) => {
      if (path === '/v1/txn' && ++claims === 2) return { fault: { kind: 'refused' } }
      if (clock.nowMs >= 13_000) return {}
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'refused' } }
      return { backMs: path.startsWith('/v1/txn') ? 9000 : 4000 }
    })
    await expect(clock.run(want({ once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(operator.sessions()).toEqual([])
  })

  test('that is obtained when most of its lease is over is given to nobody before a renewal has come through', async () => {
    const { clock, timing, want, meet } = contended()
    let renews = false
    meet(({ path }) => {
      if (path.startsWith('/v1/session/renew')) return renews ? {} : { fault: { kind: 'refused' } }
      if (path.startsWith('/v1/session/create')) return { backMs: 4000 }
      return path.startsWith('/v1/txn') ? { backMs: 9000 } : {}
    })
    let isOurs = false
    const acquiring = want()
    acquiring.then(() => {
      isOurs = true
    })
    await clock.advance(14_000)
    expect(isOurs).toBe(false)
    renews = true
    const held = won(await clock.run(acquiring))
    expect(held.session.leaseLeftMs()).toBeGreaterThan(timing.ttlMs / 4)
    held.session.end()
  })

  test('that is obtained so late is claimed anew by one try, whoever has come to the queue since', async () => {
    const { clock, ctx, consul, key, want, meet, requests } = contended()
    meet(({ path }) => {
      if (clock.nowMs >= 13_000) return {}
      return { backMs: path.startsWith('/v1/session/create') ? 4000 : 9000 }
    })
    const acquiring = want()
    await clock.advance(5000)
    const queued = transact(ctx, consul(), [{ verb: 'set', key: `${key}=queue`, value: 'somebody' }])
    requests.splice(0)
    const held = won(await clock.run(acquiring))
    expect(clock.nowMs).toBe(13_000)
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(1)
    held.session.end()
    await clock.run(queued)
  })

  test('that is obtained so late is wanted by a new session when the renewal tells that the old one is gone', async () => {
    const { clock, want, meet, operator } = contended()
    const sessions: string[] = []
    meet(({ path }) => {
      if (clock.nowMs >= 13_000) {
        if (path.startsWith('/v1/session/renew')) operator.destroySession(sessions[0] ?? '')
        return {}
      }
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'refused' } }
      return { backMs: path.startsWith('/v1/txn') ? 9000 : 4000 }
    })
    const held = won(await clock.run(want({ onSession: (id) => void sessions.push(id) })))
    expect(sessions).toHaveLength(2)
    expect(held.session.id).toBe(sessions[1])
    held.session.end()
  })

  test('that is obtained so late is wanted by a new session when the old one has died since another renewal', async () => {
    const { clock, want, meet, operator } = contended()
    const sessions: string[] = []
    let renewals = 0
    meet(({ path }) => {
      if (clock.nowMs >= 13_000) return path.startsWith('/v1/session/renew') && ++renewals === 1 ? { outMs: 2000 } : {}
      if (path.startsWith('/v1/session/renew')) return { fault: { kind: 'refused' } }
      return { backMs: path.startsWith('/v1/txn') ? 9000 : 4000 }
    })
    clock.after(14_500, () => operator.destroySession(sessions[0] ?? ''))
    const held = won(await clock.run(want({ onSession: (id) => void sessions.push(id) })))
    expect(renewals).toBeGreaterThan(1)
    expect([held.session.id, sessions.length]).toEqual([sessions[1], 2])
    held.session.end()
  })

  test('whose session is gone when it is asked for is wanted by a new one', async () => {
    const { clock, want, operator } = contended()
    const sessions: string[] = []
    const onSession = (id: string) => {
      if (sessions.push(id) === 1) operator.destroySession(id)
    }
    const held = won(await clock.run(want({ onSession })))
    expect(sessions).toHaveLength(2)
    expect(operator.sessions().map(({ id }) => id)).toEqual([sessions[1]])
    held.session.end()
  })
})

describe('who tries once', () => {
  test('hears who holds the lock, and leaves nothing', async () => {
    const { clock, acquire, want, said, operator } = contended()
    const held = won(await clock.run(acquire()))
    expect(await clock.run(want({ once: true }))).toBe('busy')
    expect(said).toEqual(['db is busy: held by here'])
    expect(operator.sessions().map(({ id }) => id)).toEqual([held.session.id])
    held.session.end()
  })

  test('hears that it was held a moment ago when nobody is there any more', async () => {
    const { clock, acquire, release, want, meet, said } = contended()
    const held = won(await clock.run(acquire()))
    meet(on('/v1/txn', { backMs: 500 }))
    const trying = want({ once: true })
    await clock.advance(100)
    meet(() => ({}))
    await clock.run(release(held))
    expect(await clock.run(trying)).toBe('busy')
    expect(said).toEqual(['db is busy: it was held a moment ago'])
  })

  test('hears how long it may be closed, from the record of who was cut off', async () => {
    const { clock, acquire, want, said, operator } = contended()
    const lost = won(await clock.run(acquire()))
    lost.session.end()
    operator.destroySession(lost.session.id)
    expect(await clock.run(want({ once: true }))).toBe('busy')
    expect(said).toEqual([expect.stringContaining('keeps it closed for 24s at most')])
  })

  test.each([
    ['says nothing', JSON.stringify({ host: 'here' })],
    ['says what can’t be', JSON.stringify({ host: 'here', lockDelayMs: 0 })],
    ['says the most that there is', JSON.stringify({ host: 'here', lockDelayMs: 60_000 })],
    ['says more than there is', JSON.stringify({ host: 'here', lockDelayMs: 600_000 })],
  ])('hears of the longest when that record %s', async (_, value) => {
    const { clock, acquire, want, said, operator } = contended()
    const lost = won(await clock.run(acquire({ record: () => value })))
    lost.session.end()
    operator.destroySession(lost.session.id)
    expect(await clock.run(want({ once: true }))).toBe('busy')
    expect(said).toEqual([expect.stringContaining('keeps it closed for 1m at most')])
  })

  test('fails at the first failure, and asks no more', async () => {
    const { clock, want, meet, requests } = contended()
    meet(on('/v1/txn', { fault: { kind: 'refused' } }))
    await expect(clock.run(want({ once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(requests.filter((line) => line.includes('txn') && line.startsWith('PUT'))).toHaveLength(2) // Its claim and its release.
  })

  test('leaves a free lock to those in the queue, for a second', async () => {
    const { clock, want, acquire, release, said } = contended()
    const held = won(await clock.run(acquire()))
    const waiter = acquire({ sessionName: 'waits', record: () => JSON.stringify({ host: 'web7' }) })
    await clock.advance(1000)
    const trying = want({ once: true })
    await clock.run(release(held))
    expect(await clock.run(trying)).toBe('busy')
    expect(said).toEqual([expect.stringMatching(/^db is busy: (others stand in line for it|held by )/)])
    won(await clock.run(waiter)).session.end()
  })

  test('gives up as soon as one of them takes it', async () => {
    const { clock, ctx, consul, idler, want, key, said } = contended()
    const { id } = await idler()
    const trying = want({ once: true })
    await clock.advance(300)
    const taken: TxnOp = { verb: 'lock', key, value: 'web9', flags: LOCK_FLAGS, session: id }
    await clock.run(transact(ctx, consul(), [taken]))
    expect(await clock.run(trying)).toBe('busy')
    expect(clock.nowMs).toBeLessThan(500)
    expect(said).toEqual(['db is busy: others stand in line for it'])
  })

  test('takes it at once when a queue was left that nobody is in', async () => {
    const { clock, want, put, key } = contended()
    await put(`${key}=queue`, 'somebody')
    won(await clock.run(want({ once: true }))).session.end()
    expect(clock.nowMs).toBe(0)
  })

  test('leaves it to one of them that waits for other locks, too', async () => {
    const { clock, want, idler, said } = contended()
    const idle = await idler('also')
    expect(await clock.run(want({ once: true }))).toBe('busy')
    expect(clock.nowMs).toBe(1000)
    expect(said).toEqual(['db is busy: others stand in line for it'])
    idle.end()
  })

  test('takes it after that second when none of them does', async () => {
    const { clock, want, idler } = contended()
    const idle = await idler()
    const held = won(await clock.run(want({ once: true })))
    expect(clock.nowMs).toBe(1000)
    for (const session of [idle, held.session]) session.end()
  })

  test('takes its leisure to clear away when the lock is taken', async () => {
    const { clock, acquire, want, meet, operator } = contended()
    const held = won(await clock.run(acquire()))
    let puts = 0
    // Its session and its claim have an answer at once, what it clears away doesn't.
    meet(({ method }) => (method === 'PUT' && ++puts > 2 ? { outMs: 2000, backMs: 2000 } : {}))
    expect(await clock.run(want({ once: true }))).toBe('busy')
    expect(operator.sessions().map(({ id }) => id)).toEqual([held.session.id])
    held.session.end()
  })

  test('hurries to clear away when it failed', async () => {
    const { clock, want, meet } = contended()
    let claims = 0
    meet(({ path }) => {
      if (path !== '/v1/txn') return {}
      return { fault: { kind: ++claims === 1 ? 'refused' : 'black-hole' } }
    })
    await expect(clock.run(want({ once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    expect(clock.nowMs).toBeLessThanOrEqual(3000)
  })
})

describe('who waits', () => {
  test('has the lock at once when it is given back, and is told who holds it until then', async () => {
    const { clock, acquire, want, release, said } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(42_000)
    await clock.run(release(held))
    const next = won(await clock.run(waiting))
    expect(clock.nowMs).toBe(42_000)
    expect(said).toEqual(['waiting for db: held by here'])
    next.session.end()
  })

  test('sleeps for what is left of the lock-delay when it has seen the holder vanish', async () => {
    const { clock, timing, acquire, want, said, operator, requests } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(5000)
    held.session.end()
    operator.destroySession(held.session.id)
    await clock.advance(1000)
    requests.splice(0)
    const next = won(await clock.run(waiting))
    expect(clock.nowMs - 5000).toBeGreaterThanOrEqual(timing.lockDelayMs)
    expect(clock.nowMs - 5000).toBeLessThan(timing.lockDelayMs + 1000)
    expect(said.slice(1)).toEqual([expect.stringContaining('closed for 24s at most')])
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(1)
    next.session.end()
  })

  test('counts the lock-delay from when it saw the holder vanish, however long its next try takes', async () => {
    const { clock, timing, acquire, want, said, operator, meet } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(5000)
    held.session.end()
    meet(on('/v1/txn', { backMs: 4000 }))
    operator.destroySession(held.session.id)
    await clock.advance(4500)
    meet(() => ({}))
    expect(said.at(-1)).toContain('closed for 20s at most')
    const next = won(await clock.run(waiting))
    expect(clock.nowMs - 5000).toBeLessThan(timing.lockDelayMs + 1000)
    next.session.end()
  })

  test('looks every second at a lock that was closed before, and hears of the longest it may be', async () => {
    const { clock, timing, acquire, want, said, operator, requests } = contended()
    const held = won(await clock.run(acquire()))
    held.session.end()
    operator.destroySession(held.session.id)
    await clock.advance(1000)
    const waiting = want()
    await clock.advance(10_000)
    const tries = requests.filter((line) => line.endsWith('/v1/txn')).length
    expect(tries).toBeGreaterThan(9)
    expect(tries).toBeLessThan(20)
    const next = won(await clock.run(waiting))
    expect(clock.nowMs).toBeLessThan(timing.lockDelayMs + 1000)
    expect(said).toEqual([expect.stringContaining('closed for 24s at most')])
    next.session.end()
  })

  test('comes in the order of the queue, and hears its place', async () => {
    const { clock, acquire, want, release, said } = contended()
    const held = won(await clock.run(acquire()))
    const first = want({ sessionName: 'first' })
    await clock.advance(100)
    const second = want({ sessionName: 'second' })
    await clock.advance(100)
    expect(said).toEqual(['waiting for db: held by here', 'waiting for db: 2nd in line, held by here'])
    await clock.run(release(held))
    const one = won(await clock.run(first))
    await clock.advance(100)
    expect(said.at(-1)).toBe('waiting for db: held by web2')
    await clock.run(release(one))
    const two = won(await clock.run(second))
    two.session.end()
  })

  test.each([
    ['one', 1, 3000, []],
    ['two', 2, 6000, ['waiting for db: 3rd in line']],
  ])(
    'passes by %s before it that take no lock, and waits the longer for that the more they are',
    async (_, count, ms, lines) => {
      const { clock, want, idler, said } = contended()
      const idle = [await idler(), ...(count > 1 ? [await idler()] : [])]
      const held = won(await clock.run(want()))
      expect(clock.nowMs).toBeGreaterThanOrEqual(ms)
      expect(clock.nowMs).toBeLessThan(ms + 1000)
      expect(said).toEqual(lines)
      for (const session of [...idle, held.session]) session.end()
    },
  )

  test('counts anew how long a lock is left alone when somebody has had it meanwhile', async () => {
    const { clock, ctx, consul, key, want, idler } = contended()
    const [first, second] = [await idler(), await idler()]
    const waiting = want()
    await clock.advance(4000)
    const taking: TxnOp = { verb: 'lock', key, value: '{}', flags: LOCK_FLAGS, session: first.id }
    const leaving: TxnOp = { verb: 'delete', key: `${key}=queue/${first.id}` }
    await clock.run(transact(ctx, consul(), [taking, leaving]))
    await clock.advance(10_000)
    await clock.run(transact(ctx, consul(), [{ verb: 'delete', key }]))
    const freeMs = clock.nowMs
    const held = won(await clock.run(waiting))
    expect(clock.nowMs - freeMs).toBeGreaterThanOrEqual(3000)
    for (const session of [first, second, held.session]) session.end()
  })

  test('counts anew, too, when that was somebody who doesn’t stand in line', async () => {
    const { clock, ctx, consul, key, timing, want, idler } = contended()
    const idle = [await idler(), await idler(), await idler()]
    const waiting = want()
    await clock.advance(4000)
    const passing = await clock.run(Session.create(ctx, consul(), { name: 'passing', timing }, false))
    const taking: TxnOp = { verb: 'lock', key, value: '{}', flags: LOCK_FLAGS, session: passing.id }
    await clock.run(transact(ctx, consul(), [taking]))
    await clock.advance(31_900)
    await clock.run(transact(ctx, consul(), [{ verb: 'delete', key }]))
    const freeMs = clock.nowMs
    const held = won(await clock.run(waiting))
    expect(clock.nowMs - freeMs).toBeGreaterThanOrEqual(3000)
    for (const session of [...idle, passing, held.session]) session.end()
  })

  test('finds the lock in its hands when Consul comes to say so, as after a restore', async () => {
    const { clock, ctx, consul, key, acquire, want, said } = contended()
    const sessions: string[] = []
    const other = won(await clock.run(acquire()))
    const waiting = want({ onSession: (id) => void sessions.push(id) })
    await clock.advance(1000)
    const gone: TxnOp = { verb: 'delete', key }
    const ours: TxnOp = { verb: 'lock', key, value: '{}', flags: LOCK_FLAGS, session: sessions[0] ?? '' }
    await clock.run(transact(ctx, consul(), [gone, ours]))
    const held = won(await clock.run(waiting))
    expect([held.session.id, clock.nowMs]).toEqual([sessions[0], 1000])
    expect(said).toEqual(['waiting for db: held by here'])
    for (const { session } of [other, held]) session.end()
  })

  test('finds the lock in its hands when the reply to its claim was lost', async () => {
    const { clock, acquire, want, release, meet, operator, key } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(1000)
    let lost = 0
    meet(({ path, body }) => {
      if (!path.startsWith('/v1/txn') || !body?.includes('"Verb":"lock"') || lost > 0) return {}
      lost += 1
      return { fault: { kind: 'cut' } }
    })
    await clock.run(release(held))
    const next = won(await clock.run(waiting))
    expect(lost).toBe(1)
    expect(operator.holder(key)).toBe(next.session.id)
    next.session.end()
  })

  test('sits an outage out', async () => {
    const { clock, want, meet, said } = contended()
    meet(REFUSED)
    const waiting = want()
    await clock.advance(20_000)
    meet(() => ({}))
    won(await clock.run(waiting)).session.end()
    expect(said).toEqual([expect.stringMatching(/refused; trying again/), expect.stringMatching(/answers again/)])
  })

  test('makes another session when its own is gone, and stands in line anew', async () => {
    const { clock, acquire, want, release, operator } = contended()
    const sessions: string[] = []
    const held = won(await clock.run(acquire()))
    const waiting = want({ onSession: (id) => void sessions.push(id) })
    await clock.advance(1000)
    operator.destroySession(sessions[0] ?? '')
    await clock.advance(15_000)
    expect(sessions).toHaveLength(2)
    await clock.run(release(held))
    const next = won(await clock.run(waiting))
    expect(next.session.id).toBe(sessions[1])
    next.session.end()
  })

  test('leaves nothing when its time is over, and takes its leisure to clear away', async () => {
    const { clock, acquire, want, stop, meet, operator, key } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(5000)
    meet(({ method }) => (method === 'PUT' ? { outMs: 2000, backMs: 2000 } : {}))
    stop(WAIT_OVER)
    expect(await clock.run(waiting)).toBe('busy')
    expect(operator.sessions().map(({ id }) => id)).toEqual([held.session.id])
    expect(operator.entry(`${key}=queue`)).toBeUndefined()
    held.session.end()
  })

  test('hurries to clear away when it is interrupted', async () => {
    const { clock, acquire, want, stop, meet } = contended()
    const held = won(await clock.run(acquire()))
    const waiting = want()
    await clock.advance(5000)
    meet(() => ({ fault: { kind: 'black-hole' } }))
    const reason = new Error('interrupted')
    stop(reason)
    const before = clock.nowMs
    await expect(clock.run(waiting)).rejects.toBe(reason)
    expect(clock.nowMs - before).toBeLessThanOrEqual(3000)
    held.session.end()
  })

  test('says why when Consul was away as its time ran out', async () => {
    const { clock, want, stop, meet } = contended()
    meet(REFUSED)
    const waiting = want()
    await clock.advance(5000)
    stop(WAIT_OVER)
    await expect(clock.run(waiting)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('blames no holder when Consul told nothing until its time ran out', async () => {
    const { clock, want, stop, meet } = contended()
    meet(() => ({ fault: { kind: 'black-hole' } }))
    const waiting = want({ waitMs: 5000 })
    await clock.advance(5000)
    stop(WAIT_OVER)
    await expect(clock.run(waiting)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('destroys a session whose creation was not answered when it is interrupted', async () => {
    const { clock, want, stop, meet, operator } = contended()
    meet(on('/v1/session/create', { fault: { kind: 'reply-lost' } }))
    const waiting = want()
    await clock.advance(500)
    expect(operator.sessions()).toHaveLength(1)
    stop(new Error('interrupted'))
    await expect(clock.run(waiting)).rejects.toThrow('interrupted')
    expect(operator.sessions()).toEqual([])
  })

  test('keeps no lock that comes when it is interrupted', async () => {
    const { clock, want, stop, meet, operator, key } = contended()
    meet(on('/v1/txn', { outMs: 300, backMs: 300 }))
    const waiting = want()
    await clock.advance(400)
    expect(operator.holder(key)).toBeDefined()
    meet(() => ({}))
    stop(new Error('interrupted'))
    await expect(clock.run(waiting)).rejects.toThrow('interrupted')
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
  })
})

describe('a rider', () => {
  test.each([true, false])('looks before there is a session, and tells what it finds; once: %s', async (once) => {
    const { clock, consul, want, said, requests } = contended()
    const tries: Omit<NextAttempt, 'tell'>[] = []
    const rider: Rider = {
      async prepare(_, { tell, ...attempt }) {
        tries.push(attempt)
        tell('nothing is due')
        return 'skipped'
      },
      claiming: () => [],
    }
    expect(await clock.run(want({ once, riders: [rider] }))).toBe('skipped')
    const nowMs = clock.now().wallMs
    expect(tries).toEqual([{ consul: expect.any(consul().constructor), seen: undefined, isOurs: false, nowMs, once }])
    expect({ said, requests }).toEqual({ said: ['nothing is due'], requests: [] })
  })
})

describe('a wait that would never end is refused', () => {
  test.each([true, false])('for a lock that a run around this one holds; once: %s', async (once) => {
    const { clock, acquire, want, operator } = contended()
    const held = won(await clock.run(acquire()))
    const refused = clock.run(want({ once, ancestors: ['else', held.session.id] }))
    await expect(refused).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('around this one') })
    expect(operator.sessions()).toHaveLength(1)
    held.session.end()
  })

  test('also for who stands behind others', async () => {
    const { clock, acquire, want, release } = contended()
    const held = won(await clock.run(acquire()))
    const other = want({ sessionName: 'other' })
    await clock.advance(100)
    const refused = clock.run(want({ ancestors: [held.session.id] }))
    await expect(refused).rejects.toMatchObject({ code: 'usage' })
    await clock.run(release(held))
    won(await clock.run(other)).session.end()
  })

  test('for what several hold, of whom it can be no other', async () => {
    const { clock, want, put, operator, key } = contended()
    await put(key, '{}', SEMAPHORE_FLAGS)
    await expect(clock.run(want())).rejects.toMatchObject({ code: 'usage' })
    expect(operator.sessions()).toEqual([])
  })

  test.each([true, false])('for a key that holds somebody’s data; once: %s', async (once) => {
    const { clock, want, data, operator, key } = contended()
    await data()
    await expect(clock.run(want({ once }))).rejects.toMatchObject({ code: 'usage' })
    expect(operator.entry(key)?.value).toBe(Buffer.from('data').toString('base64'))
    expect(operator.sessions()).toEqual([])
  })
})
