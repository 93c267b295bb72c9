import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { cleanUpAcquisition, releaseOnBehalf } from '../../../src/lock/release.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const BLACK_HOLE: Policy = () => ({ fault: { kind: 'black-hole' } })

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

  test('is tried through an outage, and given up with a warning after a minute', async () => {
    const { clock, ctx, consul, warnings, ours, meet } = await held()
    ours.session.end()
    meet(() => ({ fault: { kind: 'refused' } }))
    expect(await clock.run(releaseOnBehalf(ctx, consul(), ours))).toBe(false)
    expect(clock.nowMs).toBe(60_000)
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
