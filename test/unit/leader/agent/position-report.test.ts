import { expect, test } from 'vitest'
import { Failure } from '../../../../src/base/failure.ts'
import { PositionReport } from '../../../../src/leader/agent/position-report.ts'
import { handoverAskedAt, reignOf, type SaidPosition, vacancyAfter } from '../../../../src/leader/machine/occasion.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

/** What is said of these positions, each told so many milliseconds after the one before. */
async function saidOf(all: readonly [ms: number, position: bigint, occasion: string][], fails = 0) {
  const clock = new VirtualClock()
  const ctx = { clock, log: SILENT, signal: new AbortController().signal, random: Math.random }
  const said: SaidPosition[] = []
  let failures = fails
  const report = new PositionReport(ctx, async (_, position) => {
    if (failures-- > 0) throw new Failure('unavailable', 'no answer')
    said.push(position)
  })
  for (const [ms, position, occasion] of all) {
    await clock.advance(ms)
    report.take({ position, occasion })
  }
  await clock.advance(1)
  return said.map(({ position }) => position)
}

test('while a master writes, a position is told every ten seconds when it has changed', async () => {
  const reign = reignOf(1)
  expect(
    await saidOf([
      [0, 1n, reign],
      [9999, 2n, reign],
      [1, 3n, reign],
      [10_000, 3n, reign],
    ]),
  ).toEqual([1n, 3n])
})

test.each([vacancyAfter(1), handoverAskedAt(9)])('on the occasion %j each change is told at once', async (occasion) => {
  const steps: [number, bigint, string][] = [
    [0, 1n, reignOf(1)],
    [1, 1n, occasion],
    [1, 1n, occasion],
    [1, 2n, occasion],
  ]
  expect(await saidOf(steps)).toEqual([1n, 1n, 2n])
})

test('what could not be told is told the next time', async () => {
  const reign = reignOf(1)
  expect(
    await saidOf(
      [
        [0, 1n, reign],
        [2000, 1n, reign],
        [2000, 2n, reign],
      ],
      2,
    ),
  ).toEqual([2n])
})
