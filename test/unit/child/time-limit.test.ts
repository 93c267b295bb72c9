import { describe, expect, test } from 'vitest'
import type { ExitStatus } from '../../../src/child/exit-status.ts'
import { endWithin } from '../../../src/child/time-limit.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const INTERRUPTED = 'a signal came'

/** A command that may take 5 s, and the grace that it was given. */
function limited(isGone = true) {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const exit = Promise.withResolvers<ExitStatus>()
  const graces: number[] = []
  const child = {
    exited: exit.promise,
    async stop(ctx: { signal: AbortSignal }, graceMs: number) {
      ctx.signal.throwIfAborted()
      graces.push(graceMs)
      return isGone
    },
  }
  const ctx = { clock, log: SILENT, signal: controller.signal, random: () => 0.5 }
  const graceMs = (reason: unknown) => (reason === INTERRUPTED ? 1000 : 2000)
  return { clock, controller, exit, graces, ended: endWithin(ctx, child, 5000, graceMs) }
}

describe('a command with a time limit', () => {
  test('that ends in time is not stopped', async () => {
    const { clock, exit, graces, ended } = limited()
    await clock.advance(4999)
    exit.resolve({ code: 3 })
    expect(await clock.run(ended)).toEqual({ status: { code: 3 }, isGone: true })
    expect(graces).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test.each([true, false])('is stopped when its time is over, and says whether it is gone: %s', async (isGone) => {
    const { clock, graces, ended } = limited(isGone)
    expect(await clock.run(ended)).toEqual({ status: 'too-late', isGone })
    expect(clock.nowMs).toBe(5000)
    expect(graces).toEqual([2000])
  })

  test('is stopped by the grace of the interruption when one comes', async () => {
    const { clock, controller, graces, ended } = limited()
    await clock.advance(1000)
    controller.abort(INTERRUPTED)
    expect(await clock.run(ended)).toEqual({ status: 'interrupted', isGone: true })
    expect(graces).toEqual([1000])
    expect(clock.pending).toBe(0)
  })
})
