import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import type { CompoundLock, RidingOf } from '../../../src/lock/compound-lock.ts'
import type { HandOff } from '../../../src/lock/hand-off.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { cleanUpAcquisition, releaseOnBehalf } from '../../../src/lock/release.ts'
import type { Rider } from '../../../src/lock/rider.ts'
import { Session } from '../../../src/lock/session.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const BLACK_HOLE: Policy = () => ({ fault: { kind: 'black-hole' } })

const RIDES: TxnOp = { verb: 'set', key: 'rides', value: 'x' }

/** What gives back a lock in a way of its own, and does nothing: what it was asked to take along is told. */
function inItsWay() {
  const taken: (readonly TxnOp[])[] = []
  const give = async (ctx: Context, ridingOf: RidingOf = async () => []) => {
    taken.push(await ridingOf(ctx))
    return true
  }
  return { taken, compound: { release: give } as unknown as CompoundLock, handOff: { give } as unknown as HandOff }
}

/** A lock that is held, on a wire that can go bad; with the warnings that are given. */
async function held() {
  const lock = virtualLock()
  const warnings: string[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, warn: (line) => void warnings.push(line) } }
  return {
    ...lock,
    ctx,
    warnings,
    ours: won(await lock.clock.run(lock.acquire())),
  }
}

describe('a release', () => {
  test('frees the key and destroys the session, so that the next has the lock at once', async () => {
    const { clock, key, operator, ours, release, acquire } = await held()
    expect(await clock.run(release(ours))).toBe(true)
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
    expect(clock.pending).toBe(0)
    const next = won(await clock.run(acquire()))
    expect(clock.nowMs).toBe(0)
    next.session.end()
  })

  test('takes along what its riders add, who may look at Consul before', async () => {
    const { clock, key, operator, ours, release, requests } = await held()
    const looks: (string | undefined)[] = []
    const looking: Rider = {
      claiming: () => [],
      beforeReleasing: async () => void looks.push(operator.holder(key)),
      releasing: () => [RIDES],
    }
    const before = requests.length
    expect(await clock.run(release({ ...ours, riders: [{ claiming: () => [] }, looking] }))).toBe(true)
    expect(requests.slice(before)).toEqual(['PUT /v1/txn', `PUT /v1/session/destroy/${ours.sessionId}`])
    expect({ looks, left: operator.entry('rides')?.key }).toEqual({ looks: [ours.sessionId], left: 'rides' })
  })

  test.each(['compound', 'handOff'] as const)('goes the way of its own that the lock has: %s', async (way) => {
    const { clock, ours, release, requests } = await held()
    const { taken, compound, handOff } = inItsWay()
    const riders: readonly Rider[] = [{ claiming: () => [], releasing: () => [RIDES] }]
    const before = requests.length
    const lock = { ...ours, riders, ...(way === 'compound' ? { compound } : { handOff: () => handOff }) }
    expect(await clock.run(release(lock))).toBe(true)
    expect(taken).toEqual([[RIDES]])
    expect(requests.slice(before)).toEqual([`PUT /v1/session/destroy/${ours.sessionId}`])
  })

  test('is tried again until the lease would have ended', async () => {
    const { clock, key, operator, ours, release, meet } = await held()
    meet(() => ({ fault: { kind: 'refused' } }))
    const releasing = release(ours)
    await clock.advance(ours.session.leaseLeftMs() - 2000)
    meet(() => ({}))
    expect(await clock.run(releasing)).toBe(true)
    expect(operator.holder(key)).toBeUndefined()
  })

  test('is sent again when there is no answer to the first', async () => {
    const { clock, ours, release, meet } = await held()
    meet(BLACK_HOLE)
    const releasing = release(ours)
    await clock.advance(1)
    meet(() => ({}))
    expect(await clock.run(releasing)).toBe(true)
    expect(clock.nowMs).toBe(3000)
  })

  test('is given up with a warning when the lease is over', async () => {
    const { clock, ours, timing, release, meet } = await held()
    await clock.advance(4000)
    meet(BLACK_HOLE)
    expect(await clock.run(release(ours))).toBe(false)
    expect(clock.nowMs).toBe(timing.ttlMs)
  })

  test('of a lock whose lease is almost over takes as long as a slow answer', async () => {
    const { clock, ours, timing, release, meet } = await held()
    meet(BLACK_HOLE)
    await clock.advance(timing.ttlMs - 1)
    expect(await clock.run(release(ours))).toBe(false)
    expect(clock.nowMs).toBe(timing.ttlMs - 1 + 10_000)
  })

  test('of a lock whose lease is over is given up soon', async () => {
    const { clock, ours, timing, release, meet } = await held()
    meet(BLACK_HOLE)
    await clock.advance(timing.ttlMs)
    expect(await clock.run(release(ours))).toBe(false)
    expect(clock.nowMs).toBe(timing.ttlMs + 2000)
  })
})

describe('a release on behalf of a dead runner', () => {
  test('frees the key and destroys the session', async () => {
    const { clock, ctx, consul, key, operator, ours } = await held()
    ours.session.end()
    expect(await clock.run(releaseOnBehalf(ctx, consul(), ours))).toBe(true)
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
  })

  test('goes the way of its own that the lock has', async () => {
    const { clock, ctx, consul, ours, requests } = await held()
    ours.session.end()
    const { taken, compound } = inItsWay()
    requests.splice(0)
    expect(await clock.run(releaseOnBehalf(ctx, consul(), ours, compound))).toBe(true)
    expect(taken).toEqual([[]])
    expect(requests).toEqual([`PUT /v1/session/destroy/${ours.sessionId}`])
  })

  test.each([[[]], [[RIDES]]])('is one transaction, and takes along %j', async (riding) => {
    const { clock, ctx, consul, operator, ours, requests } = await held()
    ours.session.end()
    requests.splice(0)
    const lock = { ...ours, mayBeHanded: true }
    const ridingOf = riding.length > 0 ? [async () => riding] : []
    expect(await clock.run(releaseOnBehalf(ctx, consul(), lock, undefined, ...ridingOf))).toBe(true)
    expect(requests.filter((line) => line.endsWith('/v1/txn'))).toHaveLength(1)
    expect([operator.entry(ours.key), operator.entry('rides')?.key]).toEqual([undefined, riding[0]?.key])
  })

  /** One who is dead, while another one holds the lock, which hands it over before its second transaction. */
  async function handed() {
    const lab = await held()
    const { clock, ctx, consul, key, timing, ours, meet, requests } = lab
    const dead = await clock.run(Session.create(ctx, consul(), { name: 'dead', timing }, false))
    for (const session of [dead, ours.session]) session.end()
    const mine: TxnOp = { verb: 'lock', key, value: '{}', flags: LOCK_FLAGS, session: dead.id }
    let isHanded = false
    let txns = 0
    meet(({ path, body }) => {
      if (path !== '/v1/txn' || body?.includes('"lock"') || ++txns !== 2) return {}
      isHanded = true
      clock.after(5, () => void transact(ctx, consul(), [{ verb: 'delete', key }, mine]))
      return { outMs: 10 }
    })
    requests.splice(0)
    return { ...lab, dead, isHanded: () => isHanded, held: { key, sessionId: dead.id } }
  }

  test('looks again when the lock may be handed to who is dead', async () => {
    const { clock, ctx, consul, operator, held, isHanded } = await handed()
    expect(await clock.run(releaseOnBehalf(ctx, consul(), { ...held, mayBeHanded: true }))).toBe(true)
    expect([isHanded(), operator.entry(held.key), operator.sessions().length]).toEqual([true, undefined, 1])
  })

  test('leaves it at one look where nobody hands it on', async () => {
    const { clock, ctx, consul, held, isHanded } = await handed()
    expect(await clock.run(releaseOnBehalf(ctx, consul(), held))).toBe(true)
    expect(isHanded()).toBe(false)
  })

  test('is tried through an outage, and given up with a warning after a minute', async () => {
    const { clock, ctx, consul, warnings, ours, meet } = await held()
    ours.session.end()
    meet(() => ({ fault: { kind: 'refused' } }))
    const client = consul()
    expect(await clock.run(releaseOnBehalf(ctx, client, ours))).toBe(false)
    expect(clock.nowMs).toBe(60_000)
    // Silence there is an outage, for there was a session.
    expect(client.confirmed).toBe(true)
    expect(warnings).toContainEqual(expect.stringContaining('the lock could not be given back in time'))
  })
})

describe('who leaves without the lock', () => {
  const nothing = { withdraw: async () => {}, leaveQueue: async () => {} }

  test('deletes the key that it may have got, leaves the queue, and destroys its session', async () => {
    const { clock, ctx, consul, key, operator, ours } = await held()
    const steps: (string | boolean)[] = []
    const step = (name: string) => async () => void steps.push(name, operator.entry(key) !== undefined)
    const leaving = { withdraw: step('withdraw'), leaveQueue: step('leave the queue') }
    await clock.run(cleanUpAcquisition(ctx, consul(), ours, leaving, true))
    expect(steps).toEqual(['withdraw', true, 'leave the queue', false])
    expect(operator.entry(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('destroys its session though it may not touch the key', async () => {
    const { clock, ctx, consul, operator, ours, meet } = await held()
    const reply = strangeReply(403, 'Permission denied')
    meet(({ path }) => (path.startsWith('/v1/txn') ? { fault: { kind: 'answered', reply } } : {}))
    await cleanUpAcquisition(ctx, consul(), ours, nothing, true)
    expect(operator.sessions()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['hurries when somebody waits for it', true, 2000],
    ['hears slow answers to their end when nobody waits', false, 10_000],
  ])('%s', async (_, isHurried, withinMs) => {
    const { clock, ctx, consul, warnings, operator, ours, meet } = await held()
    meet(BLACK_HOLE)
    await clock.run(cleanUpAcquisition(ctx, consul(), ours, nothing, isHurried))
    expect(clock.nowMs).toBe(withinMs)
    expect(warnings).toEqual([])
    expect(operator.sessions()).toHaveLength(1)
  })
})
