import { expect, test } from 'vitest'
import { virtualLock, won } from '../virtual/virtual-lock.ts'

const COMMIT_MS = 100

/**
 * At servers whose log takes its time: from the death of a holder's session until who came `comesMs` before it has the
 * lock, in milliseconds, and the lock-delay.
 */
async function untilNext(comesMs: number): Promise<{ ms: number; lockDelayMs: number }> {
  const { clock, timing, operator, acquire } = virtualLock({ commitMs: () => COMMIT_MS })
  const first = won(await clock.run(acquire()))
  const second = acquire()
  await clock.advance(comesMs)
  operator.destroySession(first.session.id)
  first.session.end()
  const diedMs = clock.nowMs
  const held = won(await clock.run(second))
  held.session.end()
  return { ms: clock.nowMs - diedMs, lockDelayMs: timing.lockDelayMs }
}

test.each([0, 1, 50, 99, 100, 101, 150, 199, 201, 250, 400])(
  'a claim that came %i ms before the death of the holder’s session waits for the lock-delay',
  async (comesMs) => {
    const { ms, lockDelayMs } = await untilNext(comesMs)
    expect(ms).toBeGreaterThanOrEqual(lockDelayMs)
  },
)
