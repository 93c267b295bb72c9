import { expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { holdFor } from '../../../src/run/hold-at-least.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, watchedOver, won } from '../../virtual/virtual-lock.ts'

/** A lock that is ours for so many milliseconds more. */
async function holding() {
  const lock = virtualLock()
  const { clock, ours, hold, end } = await watchedOver(lock, won(await lock.clock.run(lock.acquire())))
  const lines: string[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, warn: (line) => void lines.push(line) } }
  const signals = { listen: () => ({ [Symbol.dispose]() {} }) }
  return {
    clock,
    lines,
    end,
    keep: (ms: number) => holdFor(ctx, { name: 'db', signals, hold, ms }),
    lose: () => lock.operator.destroySession(ours.session.id),
  }
}

test('a lock that is lost before it was held for as long as it should be costs a warning', async () => {
  const { clock, lines, keep, lose, end } = await holding()
  const kept = keep(30_000)
  lose()
  await clock.run(kept)
  expect(lines).toEqual([expect.stringMatching(/^the lock db was not held as long as it should be: /)])
  await clock.run(end())
})

test.each([0, -1])('a lock that is to be held for %i ms more may be lost', async (ms) => {
  const { clock, lines, keep, lose, end } = await holding()
  lose()
  await clock.advance(1000)
  await clock.run(keep(ms))
  expect(lines).toEqual([])
  await clock.run(end())
})
