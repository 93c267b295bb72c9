import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { transact } from '../../../src/consul/txn.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { ownSteps, reserveStep } from '../../../src/lock/reservation.ts'
import { Session } from '../../../src/lock/session.ts'
import { acquireSlot, type HeldSlot, releaseSlots, type SlotLocks, whyFull } from '../../../src/lock/slot-locks.ts'
import type { Policy } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const FOLDER = 'slots'
const REFUSED: Policy = () => ({ fault: { kind: 'refused' } })

/** A semaphore for two, and who may want a slot of it. */
function semaphore(limit = 2) {
  let fateOf: Policy = () => ({})
  const lock = virtualLock({ fateOf: (request) => fateOf(request) })
  const { clock, consul, timing } = lock
  const said: string[] = []
  const tell = (line: string) => void said.push(line)
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: tell, warn: tell } }
  const client = consul()
  const about = (more: Partial<SlotLocks>): SlotLocks => ({ name: 'the upgrade', folder: FOLDER, limit, ...more })
  return {
    ...lock,
    ctx,
    client,
    said,
    session: (name: string) => clock.run(Session.create(ctx, client, { name, timing }, false)),
    /** Waits for a slot; `once` asks once. */
    acquire: (session: Session, { once = false, host = 'web1', ...more }: Partial<SlotLocks> & Wanted = {}) =>
      acquireSlot(ctx, client, session, about(more), {
        timing,
        record: () => JSON.stringify({ host, lockDelayMs: timing.lockDelayMs }),
        once,
      }),
    give: (session: Session) => {
      session.end()
      return clock.run(releaseSlots(ctx, client, `${FOLDER}/`, session.id, 10_000))
    },
    full: (more: Partial<SlotLocks> = {}) => clock.run(whyFull(ctx, client, about(more))),
    keep: (session: Session, slot: number, owner: string) =>
      clock.run(transact(ctx, client, [reserveStep(`${FOLDER}/${slot}`, session.id, owner, { host: owner })])),
    own: (slot: HeldSlot) => clock.run(transact(ctx, client, ownSteps(slot))),
    wordsAt: (key: string) => Buffer.from(lock.operator.entry(key)?.value ?? '', 'base64').toString(),
    put: (key: string) => clock.run(transact(ctx, client, [{ verb: 'set', key, value: 'x', flags: LOCK_FLAGS }])),
    meet(next: Policy) {
      fateOf = next
    },
  }
}

interface Wanted {
  readonly once?: boolean
  readonly host?: string
}

describe('a slot', () => {
  test('is the lowest that is free, and the last one fills it', async () => {
    const { clock, session, acquire, full, operator } = semaphore()
    const [one, two, three] = [await session('one'), await session('two'), await session('three')]
    expect(await full()).toBeUndefined()
    expect(await clock.run(acquire(one))).toMatchObject({ key: 'slots/1', session: one })
    expect(await full()).toBeUndefined()
    expect(await clock.run(acquire(two, { host: 'web2' }))).toMatchObject({ key: 'slots/2' })
    expect(await full()).toBe('the upgrade is busy (at most 2 at a time): held by web1 and 1 more')
    expect(await clock.run(acquire(three, { once: true }))).toBe('busy')
    expect([1, 2].map((slot) => operator.holder(`slots/${slot}`))).toEqual([one.id, two.id])
    for (const session of [one, two, three]) session.end()
  })

  test('comes under the fence that its key then has, with the record of who has it', async () => {
    const { clock, session, acquire, operator } = semaphore()
    const one = await session('one')
    const got = await clock.run(acquire(one))
    expect(got).toMatchObject({
      fence: operator.entry('slots/1')?.modifyIndex,
      sessionId: one.id,
      riders: [],
      wasKept: false,
    })
    one.end()
  })

  test('is the one that the session has already', async () => {
    const { clock, session, acquire } = semaphore(3)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(two))
    await clock.run(acquire(one))
    expect(await clock.run(acquire(one))).toMatchObject({ key: 'slots/2' })
    for (const session of [one, two]) session.end()
  })

  test('is waited for, in words that are said once, and had when somebody gives one back', async () => {
    const { clock, session, acquire, give, said } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(one))
    const waiting = acquire(two, { host: 'web2' })
    await clock.advance(70_000)
    expect(said).toEqual(['waiting: the upgrade is busy (at most 1 at a time): held by web1'])
    expect(await give(one)).toBe(true)
    expect(await clock.run(waiting)).toMatchObject({ key: 'slots/1', session: two })
    expect(clock.nowMs).toBe(70_000)
    two.end()
  })

  test('is had at once when somebody gives one back soon', async () => {
    const { clock, session, acquire, give } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(one))
    const waiting = acquire(two)
    await clock.advance(100)
    await give(one)
    expect(await clock.run(waiting)).toMatchObject({ key: 'slots/1' })
    expect(clock.nowMs).toBe(100)
    two.end()
  })

  test('of who was cut off is closed for the lock-delay, and had at its end', async () => {
    const { clock, timing, session, acquire, operator, said, wordsAt } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(one))
    operator.destroySession(one.id)
    one.end()
    expect(await clock.run(acquire(two, { once: true }))).toBe('busy')
    expect(said).toEqual(['the upgrade is closed for 1m at most: a holder of it was cut off'])
    const waiting = acquire(two, { host: 'web2' })
    await clock.advance(timing.lockDelayMs - 1000)
    expect(said.slice(1)).toEqual([`waiting: ${said[0]}`])
    expect(await clock.run(waiting)).toMatchObject({ key: 'slots/1', wasKept: false })
    expect(wordsAt('slots/1')).toContain('web2')
    expect(clock.nowMs).toBeLessThan(timing.lockDelayMs + 1000)
    two.end()
  })

  test('is another one when somebody is faster', async () => {
    const { clock, session, acquire, meet, operator } = semaphore()
    const [one, two] = [await session('one'), await session('two')]
    meet(({ path, body }) => (path.startsWith('/v1/txn') && body?.includes(one.id) ? { outMs: 500 } : {}))
    const slow = acquire(one)
    await clock.advance(100)
    expect(await clock.run(acquire(two))).toMatchObject({ key: 'slots/1' })
    expect(await clock.run(slow)).toMatchObject({ key: 'slots/2' })
    expect(operator.holder('slots/1')).toBe(two.id)
    for (const session of [one, two]) session.end()
  })

  test.each([true, false])('is seen as it is then when somebody is faster (once: %j)', async (once) => {
    const { clock, session, acquire, meet, said } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    meet(({ path, body }) => (path.startsWith('/v1/txn') && body?.includes(one.id) ? { outMs: 500 } : {}))
    const slow = acquire(one, { once })
    await clock.advance(100)
    await clock.run(acquire(two, { host: 'web2' }))
    await clock.advance(500)
    expect(said).toEqual([`${once ? '' : 'waiting: '}the upgrade is busy (at most 1 at a time): held by web2`])
    if (once) expect(await slow).toBe('busy')
    for (const session of [one, two]) session.end()
  })

  test('is another one when somebody is faster, for who tries once, too', async () => {
    const { clock, session, acquire, meet, said } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    meet(({ path, body }) => (path.startsWith('/v1/txn') && body?.includes(one.id) ? { outMs: 500 } : {}))
    const slow = acquire(one, { once: true, limit: 2 })
    await clock.advance(100)
    expect(await clock.run(acquire(two))).toMatchObject({ key: 'slots/1' })
    expect(await clock.run(slow)).toMatchObject({ key: 'slots/2' })
    expect(said).toEqual([])
    for (const session of [one, two]) session.end()
  })

  test.each(['free', 'kept for us'])(
    'of two that are %s is one, though the reply of its claim was lost',
    async (how) => {
      const { clock, session, acquire, keep, meet, operator } = semaphore()
      if (how === 'kept for us') {
        const [one, two] = [await session('one'), await session('two')]
        for (const session of [one, two]) await clock.run(acquire(session))
        await keep(one, 1, 'web1')
        await keep(two, 2, 'web1')
        for (const session of [one, two]) session.end()
      }
      const three = await session('three')
      let claims = 0
      meet(({ path }) => (path.startsWith('/v1/txn') && ++claims === 1 ? { fault: { kind: 'cut' } } : {}))
      expect(await clock.run(acquire(three, { owner: 'web1' }))).toMatchObject({ key: 'slots/1' })
      expect([1, 2].map((slot) => operator.holder(`slots/${slot}`))).toEqual([three.id, undefined])
      three.end()
    },
  )

  test('is none for a session that is gone, whether it tries or waits', async () => {
    const { clock, session, acquire, operator } = semaphore(1)
    const [one, two] = [await session('one'), await session('two')]
    operator.destroySession(two.id)
    expect(await clock.run(acquire(two))).toBe('session-gone')
    await clock.run(acquire(one))
    const three = await session('three')
    const waiting = acquire(three)
    await clock.advance(5000)
    operator.destroySession(three.id)
    expect(await clock.run(waiting)).toBe('session-gone')
    for (const session of [one, two, three]) session.end()
  })

  test('whose claim took most of the lease is given to nobody before a renewal', async () => {
    const { clock, timing, session, acquire, meet } = semaphore()
    const one = await session('one')
    let renews = false
    meet(({ path }) => {
      if (path.startsWith('/v1/session/renew')) return renews ? {} : { fault: { kind: 'refused' } }
      return path.startsWith('/v1/txn') ? { backMs: 9000 } : {}
    })
    await clock.advance(4000)
    let isOurs = false
    const acquiring = acquire(one)
    acquiring.then(() => {
      isOurs = true
    })
    await clock.advance(10_000)
    expect(isOurs).toBe(false)
    renews = true
    expect(await clock.run(acquiring)).toMatchObject({ key: 'slots/1' })
    expect(one.leaseLeftMs()).toBeGreaterThan(timing.ttlMs / 4)
    one.end()
  })

  test('whose claim took most of the lease is renewed and had by who tries once, too', async () => {
    const { clock, session, acquire, meet } = semaphore()
    const one = await session('one')
    let claims = 0
    meet(({ path }) => {
      if (path.startsWith('/v1/session/renew')) return clock.nowMs < 13_000 ? { fault: { kind: 'refused' } } : {}
      return path.startsWith('/v1/txn') && ++claims === 1 ? { backMs: 9000 } : {}
    })
    await clock.advance(4000)
    expect(await clock.run(acquire(one, { once: true }))).toMatchObject({ key: 'slots/1' })
    expect(claims).toBe(2)
    one.end()
  })

  test('is asked for once by who doesn’t wait, and again and again by who does', async () => {
    const { clock, session, acquire, meet } = semaphore()
    const one = await session('one')
    meet(REFUSED)
    await expect(clock.run(acquire(one, { once: true }))).rejects.toMatchObject({ code: 'unreachable' })
    const waiting = acquire(one)
    await clock.advance(3000)
    meet(() => ({}))
    expect(await clock.run(waiting)).toMatchObject({ key: 'slots/1' })
    one.end()
  })

  test('of a wait that is over is not kept', async () => {
    const { clock, ctx, client, timing, session } = semaphore()
    const one = await session('one')
    const stop = new AbortController()
    const about = { name: 'x', folder: FOLDER, limit: 1 }
    const acquiring = acquireSlot({ ...ctx, signal: stop.signal }, client, one, about, {
      timing,
      record: () => {
        stop.abort(new Error('stop'))
        return 'x'
      },
      once: false,
    })
    await expect(clock.run(acquiring)).rejects.toThrow('stop')
    one.end()
  })

  test('of a wait that ends while its claim is under way is not kept either', async () => {
    const { clock, ctx, client, timing, session, meet } = semaphore()
    const one = await session('one')
    const stop = new AbortController()
    meet(({ path }) => (path.startsWith('/v1/txn') ? { outMs: 10 } : {}))
    clock.after(5, () => stop.abort(new Error('stop')))
    const about = { name: 'x', folder: FOLDER, limit: 1 }
    const acquiring = acquireSlot({ ...ctx, signal: stop.signal }, client, one, about, {
      timing,
      record: () => 'x',
      once: false,
    })
    await expect(clock.run(acquiring)).rejects.toThrow('stop')
    one.end()
  })

  test('does not count that is none', async () => {
    const { clock, session, acquire, put, full } = semaphore(1)
    const one = await session('one')
    for (const key of ['slots/0', 'slots/x', 'slots/1/note']) await put(key)
    expect(await clock.run(acquire(one))).toMatchObject({ key: 'slots/1' })
    expect(await full()).toBe('the upgrade is busy (at most 1 at a time): held by web1')
    one.end()
  })
})

describe('a slot that is kept', () => {
  test('is closed to others, and comes back to its owner', async () => {
    const { clock, session, acquire, keep, full, operator } = semaphore()
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(two))
    await clock.run(acquire(one))
    await keep(one, 2, 'web1')
    expect(operator.holder('slots/2')).toBeUndefined()
    expect(await full()).toBe('the upgrade is busy (at most 2 at a time): held by web1 and 1 more')
    expect(await full({ owner: 'web7' })).toBeDefined()
    expect(await full({ owner: 'web1' })).toBeUndefined()
    const three = await session('three')
    expect(await clock.run(acquire(three, { once: true }))).toBe('busy')
    expect(await clock.run(acquire(three, { once: true, owner: 'web7' }))).toBe('busy')
    expect(await clock.run(acquire(three, { owner: 'web1' }))).toMatchObject({ key: 'slots/2', session: three })
    for (const session of [one, two, three]) session.end()
  })

  test('is taken before any that is free', async () => {
    const { clock, session, acquire, keep, give } = semaphore(3)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(two))
    await clock.run(acquire(one))
    await keep(one, 2, 'web1')
    await give(two)
    expect(await clock.run(acquire(one, { owner: 'web1' }))).toMatchObject({ key: 'slots/2' })
    one.end()
  })
})

describe('a kept slot that its owner has taken', () => {
  const KEPT = '{"host":"web1","reservedFor":"web1"}'

  /** web1 has the slot that was kept for it. */
  async function taken() {
    const all = semaphore(1)
    const { clock, session, acquire, keep } = all
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(one))
    await keep(one, 1, 'web1')
    one.end()
    const slot = await clock.run(acquire(two, { owner: 'web1' }))
    if (typeof slot === 'string') throw new Error(slot)
    return { ...all, slot, two }
  }

  test('says so yet, though its owner’s record is another one', async () => {
    const { slot, two, wordsAt, timing, operator } = await taken()
    expect(slot).toMatchObject({ wasKept: true, value: `{"host":"web1","lockDelayMs":${timing.lockDelayMs}}` })
    expect(wordsAt('slots/1')).toBe(KEPT)
    expect(operator.holder('slots/1')).toBe(two.id)
    two.end()
  })

  test('also when it claims it once more', async () => {
    const { clock, two, acquire, wordsAt } = await taken()
    expect(await clock.run(acquire(two, { owner: 'web1' }))).toMatchObject({ wasKept: true })
    expect(wordsAt('slots/1')).toBe(KEPT)
    two.end()
  })

  test('is given back as it was found, whatever becomes of a reply', async () => {
    const { give, two, wordsAt, meet, operator, session, acquire, clock } = await taken()
    let sent = 0
    meet(({ path }) => (path.startsWith('/v1/txn') && ++sent === 1 ? { fault: { kind: 'cut' } } : {}))
    expect(await give(two)).toBe(true)
    expect(wordsAt('slots/1')).toBe(KEPT)
    expect(operator.entry('slots/1')).toMatchObject({ flags: LOCK_FLAGS, session: '' })
    expect(operator.sessions().map(({ name }) => name)).toEqual(['one'])
    const three = await session('three')
    expect(await clock.run(acquire(three, { once: true, owner: 'web2' }))).toBe('busy')
    three.end()
  })

  test('stays kept when its session ends', async () => {
    const { clock, two, timing, wordsAt, operator, session, acquire } = await taken()
    operator.destroySession(two.id)
    two.end()
    expect(wordsAt('slots/1')).toBe(KEPT)
    await clock.advance(timing.lockDelayMs + 1000)
    const three = await session('three')
    expect(await clock.run(acquire(three, { once: true, owner: 'web2' }))).toBe('busy')
    expect(await clock.run(acquire(three, { once: true, owner: 'web1' }))).toMatchObject({ key: 'slots/1' })
    three.end()
  })

  test('is kept no more when its owner has written its record', async () => {
    const { give, own, slot, two, wordsAt, operator } = await taken()
    await own(slot)
    expect(wordsAt('slots/1')).toBe(slot.value)
    expect(operator.holder('slots/1')).toBe(two.id)
    expect(await give(two)).toBe(true)
    expect(operator.entry('slots/1')).toBeUndefined()
  })
})

describe('slots that are given back', () => {
  test('go in the reverse of the order in which they were taken, as a consistent read has them', async () => {
    const { clock, session, acquire, give, meet, requests } = semaphore()
    const one = await session('one')
    for (const folder of ['slots/b', 'slots/c', 'slots/a']) await clock.run(acquire(one, { folder }))
    const asked = requests.length
    const given: (string | undefined)[] = []
    meet(({ body = '' }) => {
      if (body.includes('"delete"')) given.push(/slots\/\w/.exec(body)?.[0])
      return {}
    })
    expect(await give(one)).toBe(true)
    expect(given).toEqual(['slots/a', 'slots/c', 'slots/b'])
    expect(requests[asked]).toMatch(/^GET \/v1\/kv\/slots\/\?.*consistent/)
  })

  test('are all that the session holds, and no others; the session goes last', async () => {
    const { clock, ctx, client, session, acquire, give, operator } = semaphore(3)
    const [one, two] = [await session('one'), await session('two')]
    await clock.run(acquire(one))
    await clock.run(acquire(two))
    const more = { key: 'slots/3', value: '', flags: LOCK_FLAGS, session: one.id, verb: 'lock' } as const
    await clock.run(transact(ctx, client, [more]))
    expect(await give(one)).toBe(true)
    expect([1, 2, 3].map((slot) => operator.holder(`slots/${slot}`))).toEqual([undefined, two.id, undefined])
    expect(operator.sessions().map(({ id }) => id)).toEqual([two.id])
    const three = await session('three')
    expect(await clock.run(acquire(three, { once: true }))).toMatchObject({ key: 'slots/1' })
    for (const session of [two, three]) session.end()
  })

  test('are tried to be again and again, by a client that has not heard of Consul either', async () => {
    const { clock, ctx, consul, session, acquire, meet, operator } = semaphore()
    const one = await session('one')
    await clock.run(acquire(one))
    one.end()
    meet(REFUSED)
    const giving = releaseSlots(ctx, consul(), `${FOLDER}/`, one.id, 10_000)
    await clock.advance(6000)
    meet(() => ({}))
    expect(await clock.run(giving)).toBe(true)
    expect(clock.nowMs).toBeLessThanOrEqual(7000)
    expect(operator.holder('slots/1')).toBeUndefined()
  })

  test('are left to the session’s end, with a warning, when Consul stays away', async () => {
    const { clock, session, acquire, give, meet, said } = semaphore()
    const one = await session('one')
    await clock.run(acquire(one))
    meet(REFUSED)
    const before = clock.nowMs
    expect(await give(one)).toBe(false)
    expect(clock.nowMs - before).toBe(10_000)
    expect(said.at(-1)).toMatch(/^the slots could not be given back in time \(.*\); they are free when/)
  })
})
