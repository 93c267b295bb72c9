import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import { isLockLost } from '../../../src/library/errors.ts'
import { OwnLock } from '../../../src/library/lock.ts'
import { on, type Policy, type WireFate } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const SILENCE: WireFate = { fault: { kind: 'black-hole' } }

/** A lock in a program, on a virtual clock; `released` tells whether its client was let go of. */
async function owned(wire: Policy = () => ({})) {
  const lock = virtualLock()
  const { clock, ctx, consul, acquire } = lock
  let sleptMs = 0
  const withSleep: Clock = {
    now: () => clock.now(),
    since: (start) => clock.since(start) + sleptMs,
    after: (ms, wake) => clock.after(ms, wake),
  }
  const held = won(await clock.run(acquire({}, { ...ctx, clock: withSleep })))
  lock.meet(wire)
  let released = false
  const letGo = () => {
    released = true
  }
  const own = new OwnLock(ctx, { name: 'virtual', runId: 'r', consul: consul(), held, letGo })
  return {
    ...lock,
    own,
    isLetGo: () => released,
    release: () => clock.run(own.release()),
    /** Time goes by, and no timer comes. */
    sleep(ms: number) {
      sleptMs += ms
    },
  }
}

describe('a lock in a program', () => {
  test.each([0, 1, 4000, 9999])(
    'is lost to its holder by the deadline, and to nobody else before the grace is over, %d ms after a renewal',
    async (afterMs) => {
      const { clock, ctx, own, acquire, operator, meet, timing, release } = await owned(on('/v1/kv', SILENCE))
      await clock.advance(afterMs)
      let lostAtMs: number | undefined
      own.signal.addEventListener('abort', () => {
        lostAtMs = clock.now().monotonicMs
      })
      const silentAtMs = clock.now().monotonicMs
      meet(() => SILENCE)
      // What can destroy the session soonest does so at once.
      operator.destroySession(own.sessionId)
      await clock.advance(timing.ttlMs)
      expect(isLockLost(own.signal.reason) && own.signal.reason.loss).toBe('deadline')
      expect(lostAtMs).toBeLessThanOrEqual(silentAtMs + timing.ttlMs)
      meet(() => ({}))
      const next = won(await clock.run(acquire({}, ctx)))
      expect(clock.now().monotonicMs).toBeGreaterThan((lostAtMs ?? Infinity) + timing.graceMs)
      next.session.end()
      await release()
    },
  )

  test('lets go of all that it has when it is given back, once', async () => {
    const { clock, own, isLetGo, release, key, operator } = await owned()
    expect([isLetGo(), own.leaseLeftMs > 0]).toEqual([false, true])
    expect([await release(), await release()]).toEqual([true, true])
    expect([isLetGo(), own.leaseLeftMs]).toEqual([true, 0])
    operator.forceRelease(key)
    await clock.advance(60_000)
    expect(own.signal.aborted).toBe(false)
  })

  test('knows by the clock alone that its lease is over', async () => {
    const { own, sleep, timing, release } = await owned()
    sleep(timing.ttlMs)
    expect(own.signal.aborted).toBe(false)
    expect(() => own.throwIfLost()).toThrow('could not be renewed')
    expect(own.signal.aborted).toBe(true)
    await release()
  })

  test('tells of a caller’s reason without being lost', async () => {
    const { own, release } = await owned()
    own.interrupt('enough')
    expect(own.signal.reason).toBe('enough')
    expect(own.loss).toBeUndefined()
    own.throwIfLost()
    await release()
  })
})
