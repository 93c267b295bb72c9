import { expect, test } from 'vitest'
import { createSession } from '../../src/consul/sessions.ts'
import { transact } from '../../src/consul/txn.ts'
import { skippable } from '../../src/lock/queue-member.ts'
import { virtualLock, won } from '../virtual/virtual-lock.ts'

/** Contenders for one lock, with so many before them in line who never take it. */
async function stage(ghosts: number) {
  const lock = virtualLock()
  const { key, clock, ctx, consul } = lock
  const about = { name: 'ghost', ttlMs: 86_400_000, lockDelayMs: 0, behavior: 'release' } as const
  for (let n = 0; n < ghosts; n++) {
    const session = await clock.run(createSession(ctx, consul(), about))
    const place = { verb: 'lock', key: `${key}=queue/${session}`, value: '', session } as const
    await clock.run(transact(ctx, consul(), [place, { verb: 'set', key: `${key}=queue`, value: session }]))
  }
  return lock
}

test.each([
  [1, 5],
  [4, 10],
  [100, 45],
  [1000, 75],
])('a waiter passes %i ghosts in line within %i s', async (ghosts, seconds) => {
  const { clock, acquire } = await stage(ghosts)
  const beganMs = clock.nowMs
  const held = won(await clock.run(acquire()))
  held.session.end()
  expect(clock.nowMs - beganMs).toBeLessThan(seconds * 1000)
})

test('who tries once passes them, too, and is polite to those who live', async () => {
  const { clock, acquire, release } = await stage(3)
  const held = won(await clock.run(acquire({ once: true })))
  const waiters = [acquire(), acquire()]
  await clock.advance(1000)
  const released = release(held)
  await clock.run(waiters[0] as Promise<unknown>)
  await clock.run(released)
  expect(await clock.run(acquire({ once: true }))).toBe('busy')
  for (const waiter of waiters) await clock.run(release(won(await clock.run(waiter))))
})

test.each([
  [0, 0],
  [2999, 0],
  [3000, 1],
  [6000, 2],
  [9500, 4],
  [60_000, 524_288],
])('a lock that was free for %i ms lets pass %i', (idleMs, count) => {
  expect(skippable(idleMs)).toBe(count)
})
