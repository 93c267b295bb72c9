import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { Queue } from '../../../src/lock/queue.ts'
import { QueueMember, type SeenLock, skippable } from '../../../src/lock/queue-member.ts'
import { Session } from '../../../src/lock/session.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const DENIED: Policy = ({ path }) =>
  /^.v1.(txn|kv)/.test(path) ? { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } } : {}
/** By somebody who doesn't tell how many are before whom. */
const HELD: SeenLock = { holder: undefined, state: 'held' }
const DOWN: Policy = () => ({ fault: { kind: 'refused' } })

/** Members of one lock's queue, in the order in which they shall come, and the requests that they make. */
async function members(count: number) {
  let fateOf: Policy = () => ({})
  const requests: string[] = []
  const bodies: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      requests.push(`${request.method} ${request.path}`)
      if (request.body) bodies.push(request.body)
      return fateOf(request)
    },
  })
  const { clock, ctx, consul, key, timing } = lock
  const client = consul()
  const all = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const session = await clock.run(Session.create(ctx, client, { name: `member ${n}`, timing }, false))
      const waiter = () => ({ record: '{}', sinceMs: 0 })
      const queue = new Queue(client, key, session.id)
      return { id: session.id, member: new QueueMember(queue, (_, task) => task(), waiter) }
    }),
  )
  const [first, second = first] = all
  if (!first || !second) throw new Error('nobody')
  requests.splice(0)
  return {
    ...lock,
    all,
    first,
    second,
    requests,
    bodies,
    run: <T>(work: (ctx: Context) => Promise<T>) => clock.run(work(ctx)),
    /** For what needs no time, but a module that is loaded when Consul refuses something. */
    runNow: <T>(work: (ctx: Context) => Promise<T>) => work(ctx),
    meet(next: Policy) {
      fateOf = next
    },
  }
}

type Member = Awaited<ReturnType<typeof members>>['first']

/** The operations that a member claims with. */
async function claimed(member: QueueMember, ctx: Context): Promise<readonly TxnOp[]> {
  let claimed: readonly TxnOp[] = []
  await member.claimInOrder(ctx, async (ops) => {
    claimed = ops
    return { kind: 'taken' }
  })
  return claimed
}

describe('a claim', () => {
  test('of who is new is made only if nobody is in the queue', async () => {
    const { ctx, first, key } = await members(1)
    expect(await claimed(first.member, ctx)).toEqual([{ verb: 'check-not-exists', key: `${key}=queue` }])
  })

  test('of who is in the queue takes it out of there', async () => {
    const { ctx, run, first, key } = await members(1)
    await run((ctx) => first.member.ahead(ctx, HELD))
    expect(await claimed(first.member, ctx)).toEqual([
      { verb: 'delete', key: `${key}=queue/${first.id}` },
      { verb: 'delete-cas', key: `${key}=queue`, index: expect.any(Number) },
    ])
  })

  test('of what is ours asks for nothing, whoever is in the queue', async () => {
    const { ctx, first, key } = await members(1)
    first.member.markAcquired()
    expect(await claimed(first.member, ctx)).toEqual([{ verb: 'delete', key: `${key}=queue/${first.id}` }])
  })

  test('of who passes the queue by doesn’t name it, also when the lock is its own', async () => {
    const { ctx, first } = await members(1)
    first.member.bypass()
    expect(await claimed(first.member, ctx)).toEqual([])
    first.member.markAcquired()
    expect(await claimed(first.member, ctx)).toEqual([])
  })

  test.each(['refused', 'too-large'] as const)('that is %s for the queue is made without it, once', async (code) => {
    const { run, first } = await members(1)
    const tried: number[] = []
    const refused = async (ops: readonly TxnOp[]) => {
      tried.push(ops.length)
      throw new Failure(code, 'not with this token')
    }
    const claim = () => run((ctx) => first.member.claimInOrder(ctx, refused))
    await expect(claim()).rejects.toThrow('not with this token')
    expect(tried).toEqual([1, 0])
    await expect(claim()).rejects.toThrow('not with this token')
    expect(tried).toEqual([1, 0, 0])
  })

  test.each([new Failure('unavailable', 'no leader'), new Error('a fault of ours')])(
    'that fails otherwise says so: %s',
    async (error) => {
      const { run, ctx, first } = await members(1)
      const claim = () => run((ctx) => first.member.claimInOrder(ctx, () => Promise.reject(error)))
      await expect(claim()).rejects.toBe(error)
      expect(await claimed(first.member, ctx)).toHaveLength(1)
    },
  )
})

describe('a member', () => {
  test('enters the queue when it asks for its place, and once', async () => {
    const { run, first, second, requests } = await members(2)
    expect(await run((ctx) => first.member.ahead(ctx, HELD))).toBe(0)
    expect(await run((ctx) => second.member.ahead(ctx, HELD))).toBe(1)
    requests.splice(0)
    expect(await run((ctx) => second.member.ahead(ctx, HELD))).toBe(1)
    expect(requests).toEqual([expect.stringMatching(/^GET .v1.kv/)])
  })

  test.each([
    ['others queue', 'get', true],
    ['nobody queues', 'check-not-exists', false],
  ] as const)('enters by one request when the claim has shown that %s', async (_, verb, isQueued) => {
    const { run, first, second, requests, bodies, key } = await members(2)
    if (isQueued) await run((ctx) => first.member.ahead(ctx, HELD))
    const taken = { kind: 'taken', ...(isQueued && { isQueued }) } as const
    await run((ctx) => second.member.claimInOrder(ctx, async () => taken))
    requests.splice(0)
    await run((ctx) => second.member.ahead(ctx, { holder: undefined, state: 'free' }))
    const place = `GET /v1/kv/${encodeURIComponent(`${key}=queue`)}/${first.id}`
    expect(requests).toEqual(['PUT /v1/txn', ...(isQueued ? [place] : [])])
    expect(JSON.parse(bodies.at(-1) as string)[0].KV).toMatchObject({ Verb: verb, Key: `${key}=queue` })
  })

  test('that has claimed nothing yet takes it that nobody queues', async () => {
    const { run, first, requests } = await members(1)
    await run((ctx) => first.member.ahead(ctx, HELD))
    expect(requests).toEqual(['PUT /v1/txn'])
  })

  test('that went in without hearing of it counts who is before it', async () => {
    const { run, first, second, key, meet } = await members(2)
    await run((ctx) => first.member.ahead(ctx, HELD))
    // The first sees that others are there, the second goes in.
    meet(({ body }) => (body?.includes('"Verb":"get"') ? { fault: { kind: 'cut' } } : {}))
    const at = { createIndex: 1, modifyIndex: 1, lockIndex: 1, flags: 0n, session: 'holder' }
    const seen: SeenLock = { holder: 'holder', plain: { key, value: '{}', ...at }, state: 'held' }
    await expect(run((ctx) => second.member.ahead(ctx, seen))).rejects.toMatchObject({ code: 'unreachable' })
    meet(() => ({}))
    expect(await run((ctx) => second.member.ahead(ctx, seen))).toBe(1)
    expect(second.member.turn).toBeUndefined()
  })

  test.each([
    ['waits for other locks, too, must not be passed', 'also', true],
    ['waits for this one alone may be passed', '', false],
  ])('learns that who is before it and %s', async (_, value, mustWait) => {
    const { run, first, second, key, consul } = await members(2)
    expect(second.member.mustWait).toBe(false)
    const entry = { key: `${key}=queue/${first.id}`, value, session: first.id }
    const tail = { key: `${key}=queue`, value: 'somebody' }
    await run((ctx) =>
      transact(ctx, consul(), [
        { verb: 'lock', ...entry },
        { verb: 'set', ...tail },
      ]),
    )
    await run((ctx) => second.member.ahead(ctx, HELD))
    expect(second.member.mustWait).toBe(mustWait)
  })

  test('enters it anew after a lock that was its own has left it', async () => {
    const { run, first, second } = await members(2)
    await run((ctx) => first.member.ahead(ctx, HELD))
    first.member.markAcquired()
    await run((ctx) => first.member.leave(ctx))
    await run((ctx) => second.member.ahead(ctx, HELD))
    expect(await run((ctx) => first.member.ahead(ctx, HELD))).toBe(1)
  })

  test('knows that it is next when who was before it holds the lock, without reading all', async () => {
    const { run, first, second, requests, key } = await members(2)
    await run((ctx) => first.member.ahead(ctx, HELD))
    await run((ctx) => second.member.ahead(ctx, HELD))
    requests.splice(0)
    expect(await run((ctx) => second.member.ahead(ctx, { ...HELD, holder: first.id }))).toBe(0)
    expect(requests).toEqual([`GET /v1/kv/${encodeURIComponent(`${key}=queue`)}`])
  })

  test('reads all when somebody else holds the lock', async () => {
    const { run, all, first, second } = await members(3)
    await run((ctx) => first.member.ahead(ctx, HELD))
    await run((ctx) => second.member.ahead(ctx, HELD))
    expect(await run((ctx) => second.member.ahead(ctx, { ...HELD, holder: all[2]?.id }))).toBe(1)
    expect(await run((ctx) => second.member.ahead(ctx, HELD))).toBe(1)
  })

  test('that is first stays so while nobody has taken the lock, without reading all', async () => {
    const { run, first, requests, key } = await members(1)
    await run((ctx) => first.member.ahead(ctx, HELD))
    requests.splice(0)
    expect(await run((ctx) => first.member.ahead(ctx, { ...HELD, state: 'free' }))).toBe(0)
    expect(requests).toEqual([`GET /v1/kv/${encodeURIComponent(`${key}=queue`)}`])
  })

  test('that came to the head behind one who had passed others goes back behind those when it is passed itself', async () => {
    const { run, all } = await members(4)
    for (const { member } of all) await run((ctx) => member.ahead(ctx, HELD))
    const [frozen, , passing, last] = all as [Member, Member, Member, Member]
    await run((ctx) => passing.member.leave(ctx))
    expect(await run((ctx) => last.member.ahead(ctx, { ...HELD, holder: passing.id }))).toBe(0)
    await run((ctx) => frozen.member.leave(ctx))
    expect(await run((ctx) => last.member.ahead(ctx, { ...HELD, holder: frozen.id }))).toBe(1)
  })

  describe('where the holder tells how many came before it', () => {
    /** Four in line, and what is seen of a holder with this record. */
    async function line() {
      const lock = await members(4)
      const { run, all, key, requests } = lock
      const seen = (record: object): SeenLock => {
        const at = { createIndex: 1, modifyIndex: 10_000, lockIndex: 1, flags: 0n, session: 'holder' }
        return { holder: 'holder', plain: { key, value: JSON.stringify(record), ...at }, state: 'held' }
      }
      const before: SeenLock = { ...seen({}), plain: { ...(seen({}).plain as Entry), modifyIndex: 1 } }
      const aheads: unknown[] = []
      for (const { member } of all) aheads.push(await run((ctx) => member.ahead(ctx, before)))
      const [first, second, third, last] = all as [Member, Member, Member, Member]
      const whole = () => requests.splice(0).filter((request) => request.includes('recurse')).length
      const whatLastSees = (seen: SeenLock) => run((ctx) => last.member.ahead(ctx, seen))
      return { ...lock, seen, before, aheads, whole, whatLastSees, first, second, third, last }
    }

    test('knows its place without reading all', async () => {
      const { aheads, whole, all, seen, whatLastSees } = await line()
      expect(aheads).toEqual([0, 1, 2, 3])
      expect(await whatLastSees(seen({ turn: 2 }))).toBe(1)
      expect(whole()).toBe(0)
      expect(all.map(({ member }) => member.turn)).toEqual([1, 2, 3, 4])
    })

    test('counts when the holder doesn’t tell', async () => {
      const { whole, whatLastSees, seen } = await line()
      expect([await whatLastSees(seen({})), whole()]).toEqual([3, 1])
    })

    test('stays where it is at a lock that is free for a moment, and counts at one that is idle', async () => {
      const { whole, whatLastSees, seen } = await line()
      const left = { ...seen({ turn: 2 }), holder: undefined }
      expect([await whatLastSees({ ...left, state: 'free' }), whole()]).toEqual([undefined, 0])
      expect([await whatLastSees({ ...left, state: 'idle' }), whole()]).toEqual([3, 1])
    })

    test('counts when who was before it is gone without a turn, and knows of that from then on', async () => {
      const { clock, ctx, run, third, last, whole, whatLastSees, before, seen } = await line()
      const moved = last.member.untilMoved(ctx, false)
      await run((ctx) => third.member.leave(ctx))
      expect(await clock.run(moved)).toBe(true)
      whole()
      expect([await whatLastSees(before), whole()]).toEqual([2, 1])
      expect([await whatLastSees(before), whole()]).toEqual([2, 0])
      expect([await whatLastSees(seen({ turn: 1 })), whole()]).toEqual([1, 0])
    })

    test('stands behind who came back in the same session no more', async () => {
      const { clock, ctx, run, third, last, key, consul } = await line()
      const moved = last.member.untilMoved(ctx, false)
      const entry = { key: `${key}=queue/${third.id}`, session: third.id }
      await run((ctx) =>
        transact(ctx, consul(), [
          { verb: 'delete', ...entry },
          { verb: 'lock', value: '', ...entry },
        ]),
      )
      expect(await clock.run(moved)).toBe(true)
    })
  })

  test('that comes to a free lock doesn’t count who is before it', async () => {
    const { run, first, second, requests } = await members(2)
    const free: SeenLock = { holder: undefined, state: 'free' }
    expect(await run((ctx) => first.member.ahead(ctx, free))).toBe(0)
    expect(await run((ctx) => second.member.ahead(ctx, free))).toBeUndefined()
    expect(requests.filter((request) => request.includes('recurse'))).toEqual([])
  })

  test('that may not write there passes it by, and asks no more', async () => {
    const { run, runNow, first, requests, meet } = await members(1)
    meet(DENIED)
    expect(await runNow((ctx) => first.member.ahead(ctx, HELD))).toBe(0)
    requests.splice(0)
    expect(await run((ctx) => first.member.ahead(ctx, HELD))).toBe(0)
    await run((ctx) => first.member.leave(ctx))
    expect(requests).toEqual([])
  })

  test('whose place can’t be learnt says why', async () => {
    const { run, first, meet } = await members(1)
    meet(DOWN)
    await expect(run((ctx) => first.member.ahead(ctx, HELD))).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('a wait for who is before', () => {
  test('is over at once when nobody is', async () => {
    const { run, first, requests } = await members(1)
    expect(await run((ctx) => first.member.untilMoved(ctx, false))).toBe(true)
    await run((ctx) => first.member.ahead(ctx, HELD))
    requests.splice(0)
    expect(await run((ctx) => first.member.untilMoved(ctx, false))).toBe(true)
    first.member.bypass()
    expect(await run((ctx) => first.member.untilMoved(ctx, true))).toBe(true)
    expect(requests).toEqual([])
  })

  test('goes on when somebody writes over the entry of who is before', async () => {
    const { clock, run, all, first, second, key, consul } = await members(2)
    for (const { member } of all) await run((ctx) => member.ahead(ctx, HELD))
    await run((ctx) => transact(ctx, consul(), [{ verb: 'set', key: `${key}=queue/${first.id}`, value: 'a note' }]))
    expect(await run((ctx) => second.member.untilMoved(ctx, false))).toBe(false)
    const beganMs = clock.nowMs
    expect(await run((ctx) => second.member.untilMoved(ctx, false))).toBe(false)
    expect(clock.nowMs - beganMs).toBeGreaterThanOrEqual(5000)
  })

  test('ends when it leaves, or dies', async () => {
    const { clock, ctx, run, all, first, second, operator } = await members(3)
    for (const { member } of all) await run((ctx) => member.ahead(ctx, HELD))
    const [, , third] = all
    const moved = [second, third].map((one) => one?.member.untilMoved(ctx, false))
    await clock.advance(100)
    operator.destroySession(second.id)
    await run((ctx) => first.member.leave(ctx))
    expect(await clock.run(Promise.all(moved))).toEqual([true, true])
    expect(clock.nowMs).toBe(100)
  })

  test.each([
    ['next, at a lock that is held', 1, false, 5000],
    ['next, at a free lock', 1, true, 3000],
    ['far back, at a lock that is held', 2, false, 30_000],
    ['near, at a free lock', 8, true, 3000],
    ['far back, at a free lock', 9, true, 30_000],
  ])('ends after a while for who is %s', async (_, ahead, isFree, ms) => {
    const { clock, run, all } = await members(ahead + 1)
    for (const { member } of all) await run((ctx) => member.ahead(ctx, HELD))
    const last = all.at(-1)?.member
    expect(await run(async (ctx) => last?.untilMoved(ctx, isFree))).toBe(false)
    expect(clock.nowMs).toBeGreaterThanOrEqual(ms)
    expect(clock.nowMs).toBeLessThanOrEqual(ms + ms / 16)
  })
})

describe('a queue', () => {
  test('is abandoned when nobody lives in it, and is cleared away then', async () => {
    const { run, first, second, operator, key } = await members(2)
    await run((ctx) => first.member.ahead(ctx, HELD))
    expect(await run((ctx) => second.member.isAbandoned(ctx))).toBe(false)
    expect(operator.entry(`${key}=queue`)).toBeDefined()
    operator.destroySession(first.id)
    expect(await run((ctx) => second.member.isAbandoned(ctx))).toBe(true)
    expect(operator.entry(`${key}=queue`)).toBeUndefined()
  })

  test('is abandoned for who may not read it', async () => {
    const { runNow, ctx, first, meet } = await members(1)
    meet(DENIED)
    expect(await runNow((ctx) => first.member.isAbandoned(ctx))).toBe(true)
    expect(await claimed(first.member, ctx)).toEqual([])
  })

  test('is not abandoned because Consul is silent', async () => {
    const { run, first, meet } = await members(1)
    meet(DOWN)
    await expect(run((ctx) => first.member.isAbandoned(ctx))).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('who leaves', () => {
  test('takes its entry away, and asks nothing when it has none', async () => {
    const { run, first, second, requests, operator, key } = await members(2)
    await run((ctx) => second.member.leave(ctx))
    expect(requests).toEqual([])
    await run((ctx) => first.member.ahead(ctx, HELD))
    await run((ctx) => first.member.leave(ctx))
    expect(operator.entry(`${key}=queue/${first.id}`)).toBeUndefined()
  })

  test('leaves what it may not delete, and says what else went wrong', async () => {
    const { run, runNow, first, meet } = await members(1)
    await run((ctx) => first.member.ahead(ctx, HELD))
    meet(DOWN)
    await expect(run((ctx) => first.member.leave(ctx))).rejects.toMatchObject({ code: 'unreachable' })
    meet(DENIED)
    await runNow((ctx) => first.member.leave(ctx))
  })
})

test.each([
  [0, 0],
  [2999, 0],
  [3000, 1],
  [5999, 1],
  [6000, 2],
  [9000, 4],
  [30_000, 512],
])('after %i ms at a free lock that nobody takes, %i ahead may be passed', (idleMs, count) => {
  expect(skippable(idleMs)).toBe(count)
})
