import { describe, expect, test } from 'vitest'
import { AbortReason, sleep } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { keepApplied, Wanted } from '../../../src/discovery/keep-applied.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const STOPPED = new AbortReason('the test has ended')

/**
 * Something that takes `takesMs` to apply, and fails as long as `isBroken`; a diary has when it began and with what.
 */
function open(takesMs = 0) {
  const clock = new VirtualClock()
  const stop = new AbortController()
  const log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
  const ctx: Context = { clock, log, signal: stop.signal, random: () => 0 }
  const wanted = new Wanted()
  const world = { isBroken: false, running: 0, most: 0 }
  const diary: string[] = []
  const end = keepApplied(ctx, wanted, async (ctx, text) => {
    diary.push(`${clock.nowMs} ${text}`)
    world.most = Math.max(world.most, ++world.running)
    await sleep(ctx, takesMs).finally(() => world.running--)
    return !world.isBroken
  })
  end.catch(() => {})
  return { clock, stop, wanted, world, diary, end }
}

/** Wants these, each so many milliseconds after the one before. */
async function want({ clock, wanted }: ReturnType<typeof open>, steps: readonly (readonly [number, string?])[]) {
  for (const [afterMs, text] of steps) {
    await clock.advance(afterMs)
    wanted.text = text
  }
}

describe('what is wanted', () => {
  test.each([
    ['at the start, once it is still', [[0, 'a']], ['1000 a']],
    [
      'once, when it changes in a burst',
      [
        [0, 'a'],
        [500, 'ab'],
        [900, 'abc'],
      ],
      ['2400 abc'],
    ],
    [
      'after 10 s at the latest, when it is never still',
      Array.from({ length: 13 }, (_, i) => [900, `${i}`] as const),
      ['10900 11', '12700 12'],
    ],
    [
      'not again, when it is what it was',
      [
        [0, 'a'],
        [5000, 'b'],
        [500, 'a'],
      ],
      ['1000 a'],
    ],
    [
      'again, when it was another meanwhile',
      [
        [0, 'a'],
        [5000, 'b'],
        [5000, 'a'],
      ],
      ['1000 a', '6000 b', '11000 a'],
    ],
    ['not when it is taken back', [[0, 'a'], [5000, 'b'], [500]], ['1000 a']],
    ['not again, when it comes back', [[0, 'a'], [5000], [60_000, 'a']], ['1000 a']],
    ['never, when there is nothing', [[0], [5000]], []],
  ] as const)('is applied %s', async (_, steps, applied) => {
    const lab = open()
    await want(lab, steps)
    await lab.clock.advance(120_000)
    expect(lab.diary).toEqual(applied)
    expect(lab.clock.pending).toBe(0)
  })

  test('and changes while it is applied is applied once more, and never two at once', async () => {
    const lab = open(20_000)
    await want(lab, [
      [0, 'a'],
      [2000, 'b'],
      [5000, 'c'],
      [5000, 'd'],
    ])
    await lab.clock.advance(120_000)
    expect(lab.diary).toEqual(['1000 a', '22000 d'])
    expect(lab.world.most).toBe(1)
  })

  test('is tried again when it fails, ever more rarely, and at once when it changes', async () => {
    const lab = open()
    lab.world.isBroken = true
    await want(lab, [
      [0, 'a'],
      [200_000, 'b'],
    ])
    // Pauses of 1, 2, 4 … 60 s, and the second in which it must be still.
    const seconds = [1, 3, 6, 11, 20, 37, 70, 131, 192]
    expect(lab.diary).toEqual(seconds.map((at) => `${at * 1000} a`))
    lab.world.isBroken = false
    await lab.clock.advance(600_000)
    expect(lab.diary.slice(seconds.length)).toEqual(['201000 b'])
  })

  test('is applied again when another one failed in between: that one may be there by half', async () => {
    const lab = open()
    await want(lab, [[0, 'a'], [5000]])
    lab.world.isBroken = true
    await want(lab, [[0, 'b'], [1200]])
    lab.world.isBroken = false
    await want(lab, [[0, 'a']])
    await lab.clock.advance(60_000)
    expect(lab.diary).toEqual(['1000 a', '6000 b', '7200 a'])
  })

  test('is no more of interest when we are told to end, and what is under way has ended', async () => {
    const lab = open(20_000)
    await want(lab, [
      [0, 'a'],
      [2000, 'b'],
    ])
    lab.stop.abort(STOPPED)
    await expect(lab.end).rejects.toBe(STOPPED)
    expect([lab.world.running, lab.clock.pending]).toEqual([0, 0])
  })
})
