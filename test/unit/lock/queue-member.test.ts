import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import type { TxnOp } from '../../../src/consul/txn.ts'
import { Queue } from '../../../src/lock/queue.ts'
import { QueueMember, skippable } from '../../../src/lock/queue-member.ts'
import { Session } from '../../../src/lock/session.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const DENIED: Policy = ({ path }) =>
  /^.v1.(txn|kv)/.test(path) ? { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } } : {}
const DOWN: Policy = () => ({ fault: { kind: 'refused' } })

/** Members of one lock's queue, in the order in which they shall come, and the requests that they make. */
async function members(count: number) {
  let fateOf: Policy = () => ({})
  const requests: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      requests.push(`${request.method} ${request.path}`)
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
    run: <T>(work: (ctx: Context) => Promise<T>) => clock.run(work(ctx)),
    /** For what needs no time, but a module that is loaded when Consul refuses something. */
    runNow: <T>(work: (ctx: Context) => Promise<T>) => work(ctx),
    meet(next: Policy) {
      fateOf = next
    },
  }
}

/** The operations that a member claims with. */
async function claimed(member: QueueMember, ctx: Context): Promise<readonly TxnOp[]> {
  return member.claimInOrder(ctx, async (ops) => ops)
}

describe('a claim', () => {
  test('of who is new is made only if nobody is in the queue', async () => {
    const { ctx, first, key } = await members(1)
    expect(await claimed(first.member, ctx)).toEqual([{ verb: 'check-not-exists', key: `${key}=queue` }])
  })

  test('of who is in the queue takes it out of there', async () => {
    const { ctx, run, first, key } = await members(1)
    await run((ctx) => first.member.ahead(ctx, undefined))
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
    expect(await run((ctx) => first.member.ahead(ctx, undefined))).toBe(0)
    expect(await run((ctx) => second.member.ahead(ctx, undefined))).toBe(1)
    requests.splice(0)
    expect(await run((ctx) => second.member.ahead(ctx, undefined))).toBe(1)
    expect(requests).toEqual([expect.stringMatching(/^GET .v1.kv/)])
  })

  test('enters it anew after a lock that was its own has left it', async () => {
    const { run, first, second } = await members(2)
    await run((ctx) => first.member.ahead(ctx, undefined))
    first.member.markAcquired()
    await run((ctx) => first.member.leave(ctx))
    await run((ctx) => second.member.ahead(ctx, undefined))
    expect(await run((ctx) => first.member.ahead(ctx, undefined))).toBe(1)
  })

  test('knows that it is next when who was before it holds the lock, without reading all', async () => {
    const { run, first, second, requests, key } = await members(2)
    await run((ctx) => first.member.ahead(ctx, undefined))
    await run((ctx) => second.member.ahead(ctx, undefined))
    requests.splice(0)
    expect(await run((ctx) => second.member.ahead(ctx, first.id))).toBe(0)
    expect(requests).toEqual([`GET /v1/kv/${encodeURIComponent(`${key}=queue`)}`])
  })

  test('reads all when somebody else holds the lock', async () => {
    const { run, all, first, second } = await members(3)
    await run((ctx) => first.member.ahead(ctx, undefined))
    await run((ctx) => second.member.ahead(ctx, undefined))
    expect(await run((ctx) => second.member.ahead(ctx, all[2]?.id))).toBe(1)
    expect(await run((ctx) => second.member.ahead(ctx, undefined))).toBe(1)
  })

  test('that is first is not next to nobody', async () => {
    const { run, first, requests } = await members(1)
    await run((ctx) => first.member.ahead(ctx, undefined))
    requests.splice(0)
    await run((ctx) => first.member.ahead(ctx, undefined))
    expect(requests).toEqual([expect.stringContaining('recurse')])
  })

  test('that may not write there passes it by, and asks no more', async () => {
    const { run, runNow, first, requests, meet } = await members(1)
    meet(DENIED)
    expect(await runNow((ctx) => first.member.ahead(ctx, undefined))).toBe(0)
    requests.splice(0)
    expect(await run((ctx) => first.member.ahead(ctx, undefined))).toBe(0)
    await run((ctx) => first.member.leave(ctx))
    expect(requests).toEqual([])
  })

  test('whose place can’t be learnt says why', async () => {
    const { run, first, meet } = await members(1)
    meet(DOWN)
    await expect(run((ctx) => first.member.ahead(ctx, undefined))).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('a wait for who is before', () => {
  test('is over at once when nobody is', async () => {
    const { run, first, requests } = await members(1)
    expect(await run((ctx) => first.member.untilMoved(ctx, false))).toBe(true)
    await run((ctx) => first.member.ahead(ctx, undefined))
    requests.splice(0)
    expect(await run((ctx) => first.member.untilMoved(ctx, false))).toBe(true)
    first.member.bypass()
    expect(await run((ctx) => first.member.untilMoved(ctx, true))).toBe(true)
    expect(requests).toEqual([])
  })

  test('ends when it leaves, or dies', async () => {
    const { clock, ctx, run, all, first, second, operator } = await members(3)
    for (const { member } of all) await run((ctx) => member.ahead(ctx, undefined))
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
    for (const { member } of all) await run((ctx) => member.ahead(ctx, undefined))
    const last = all.at(-1)?.member
    expect(await run(async (ctx) => last?.untilMoved(ctx, isFree))).toBe(false)
    expect(clock.nowMs).toBeGreaterThanOrEqual(ms)
    expect(clock.nowMs).toBeLessThanOrEqual(ms + ms / 16)
  })
})

describe('a queue', () => {
  test('is abandoned when nobody lives in it, and is cleared away then', async () => {
    const { run, first, second, operator, key } = await members(2)
    await run((ctx) => first.member.ahead(ctx, undefined))
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
    await run((ctx) => first.member.ahead(ctx, undefined))
    await run((ctx) => first.member.leave(ctx))
    expect(operator.entry(`${key}=queue/${first.id}`)).toBeUndefined()
  })

  test('leaves what it may not delete, and says what else went wrong', async () => {
    const { run, runNow, first, meet } = await members(1)
    await run((ctx) => first.member.ahead(ctx, undefined))
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
