import { expect, test } from 'vitest'
import { sleep } from '../../../src/base/abort.ts'
import type { TxnOp } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { Hold } from '../../../src/lock/hold.ts'
import type { Advice, Attempt, Rider } from '../../../src/lock/rider.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const NOTE = 'consul-locker-virtual=note'

/** A lock with one rider, which writes down what it is told. */
function ridden(rider: Partial<Rider>, about: Partial<AcquireOptions> = {}) {
  let fateOf: Policy = () => ({})
  const bodies: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      if (request.path === '/v1/txn') bodies.push(request.body ?? '')
      return fateOf(request)
    },
  })
  const told: string[] = []
  const attempts: Attempt[] = []
  const all: Rider = {
    claiming: (attempt) => {
      attempts.push(attempt)
      return rider.claiming?.(attempt) ?? []
    },
    ...(rider.prepare && { prepare: rider.prepare }),
    refused: (ops) => told.push(`refused ${ops.map(({ verb }) => verb)}`),
    granted: (entries) => told.push(`granted ${entries.map(({ key, value }) => `${key}:${value}`)}`),
    ...(rider.releasing && { releasing: rider.releasing }),
  }
  return {
    ...lock,
    told,
    attempts,
    bodies,
    acquire: () => lock.acquire({ riders: [all], ...about }),
    note: () => stored(lock.operator.entry(NOTE)?.value),
    meet(next: Policy) {
      fateOf = next
    },
  }
}

const WRITE: TxnOp = { verb: 'set', key: NOTE, value: 'ridden' }

test('what rides with a claim is done with it, and its reply is told', async () => {
  const { clock, acquire, told, bodies, key, note } = ridden({
    claiming: () => [WRITE, { verb: 'get-tree', key: NOTE }],
  })
  const held = won(await clock.run(acquire()))
  held.session.end()
  expect(bodies).toHaveLength(1)
  expect(note()).toBe('ridden')
  expect(told).toEqual([`granted ${key}:,${NOTE}:,${NOTE}:ridden`])
})

test('a rider that refuses is asked again before the next try, and nothing is done until it agrees', async () => {
  let isRipe = false
  const { clock, acquire, told, operator, key } = ridden({
    async prepare(ctx) {
      if (told.length > 0) await sleep(ctx, 5000)
      isRipe = told.length > 0
      return 'go'
    },
    claiming: () => (isRipe ? [] : [{ verb: 'check-index', key: NOTE, index: 7 }]),
  })
  const acquiring = acquire()
  await clock.advance(4999)
  expect(operator.holder(key)).toBeUndefined()
  const held = won(await clock.run(acquiring))
  held.session.end()
  expect(told).toEqual(['refused check-index', `granted ${key}:`])
})

test.each<Advice>(['skipped', 'busy'])('a rider that says "%s" ends the wait before there is a session', async (no) => {
  const { clock, acquire, operator, bodies } = ridden({ prepare: async () => no })
  expect(await clock.run(acquire())).toBe(no)
  expect(bodies).toEqual([])
  expect(operator.sessions()).toEqual([])
})

test('a rider that has enough when the lock becomes free ends the wait then, and leaves nothing', async () => {
  let seen = 0
  const { clock, acquire, release, operator } = ridden({ prepare: async () => (++seen > 2 ? 'skipped' : 'go') })
  const first = won(await clock.run(acquire()))
  seen = 0
  const waiting = acquire()
  await clock.advance(1000)
  await clock.run(release(first))
  expect(await clock.run(waiting)).toBe('skipped')
  expect(operator.sessions()).toEqual([])
})

test('whoever waits for a rider learns that the session died, and makes another', async () => {
  let waits = 0
  const { clock, acquire, operator } = ridden({
    async prepare(ctx) {
      waits += 1
      if (waits === 2) await sleep(ctx, 500_000)
      return 'go'
    },
  })
  const acquiring = acquire()
  await clock.advance(1000)
  const [session = ''] = operator.sessions().map(({ id }) => id)
  operator.destroySession(session)
  const held = won(await clock.run(acquiring))
  held.session.end()
  expect(held.session.id).not.toBe(session)
  expect(clock.nowMs).toBeLessThan(60_000)
})

test('a lock that is obtained too late to start is claimed anew with what can refuse no more', async () => {
  const { clock, acquire, attempts, meet } = ridden({})
  meet(({ path }) => {
    if (clock.nowMs >= 13_000) return {}
    return { backMs: path.startsWith('/v1/session/create') ? 4000 : 9000 }
  })
  won(await clock.run(acquire())).session.end()
  expect(attempts.map(({ isOurs }) => isOurs)).toEqual([false, true])
})

test('what a rider tells while it waits is told to who waits', async () => {
  const waiting: string[] = []
  let asked = 0
  const { clock, acquire } = ridden(
    {
      prepare: async (_, { tell }) => {
        asked += 1
        if (asked === 2) tell('waiting for the moon')
        return 'go'
      },
    },
    { onWaiting: (sentence) => void waiting.push(sentence) },
  )
  won(await clock.run(acquire())).session.end()
  expect(waiting).toEqual(['waiting for the moon'])
})

test('a key that is taken again is claimed with what can refuse no more', async () => {
  const { clock, ctx, consul, acquire, operator, attempts, told, key } = ridden({
    claiming: ({ isOurs }) => (isOurs ? [{ verb: 'get-tree', key: NOTE }] : [WRITE]),
  })
  const held = won(await clock.run(acquire()))
  const hold = new Hold(ctx, consul(), held)
  await clock.advance(1000)
  operator.deleteKey(key)
  await clock.advance(1000)
  expect(attempts.map(({ isOurs }) => isOurs)).toEqual([false, true])
  expect(told.at(-1)).toBe(`granted ${key}:,${NOTE}:ridden`)
  await hold.end()
  held.session.end()
})

test('what rides with a release is done with it', async () => {
  const { clock, acquire, release, operator, key, note, bodies } = ridden({ releasing: () => [WRITE] })
  const held = won(await clock.run(acquire()))
  expect(await clock.run(release(held))).toBe(true)
  expect([operator.entry(key), note(), bodies.length]).toEqual([undefined, 'ridden', 2])
})

test('a release whose rider is refused is done without it, by one try more', async () => {
  const { clock, acquire, release, operator, key, note, bodies, meet } = ridden({ releasing: () => [WRITE] })
  const held = won(await clock.run(acquire()))
  const denied = '{"Results":null,"Errors":[{"OpIndex":2,"What":"Permission denied"}]}'
  const reply = { ...strangeReply(409, denied), headers: { 'content-type': 'application/json' } }
  meet(({ body = '' }) => (body.includes(NOTE) ? { fault: { kind: 'answered', reply } } : {}))
  expect(await release(held)).toBe(true)
  expect([operator.entry(key), note(), bodies.length]).toEqual([undefined, undefined, 3])
})

test('what is somebody else’s by now is released by nobody, and written about by nobody', async () => {
  const { clock, acquire, release, operator, note, bodies } = ridden({ releasing: () => [WRITE] })
  const held = won(await clock.run(acquire()))
  operator.destroySession(held.sessionId)
  await clock.run(release(held))
  expect([note(), bodies.length]).toEqual([undefined, 2])
})

test('who leaves with a lock of which it didn’t learn has the rider’s last word written', async () => {
  const { clock, acquire, operator, key, note, meet } = ridden(
    { claiming: () => [{ ...WRITE, value: 'claimed' }], releasing: () => [{ ...WRITE, value: 'undone' }] },
    { once: true },
  )
  let claims = 0
  meet(({ path }) => (path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'reply-lost' } } : {}))
  await expect(clock.run(acquire())).rejects.toMatchObject({ code: 'unreachable' })
  expect([operator.entry(key), note()]).toEqual([undefined, 'undone'])
})

function stored(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
}
