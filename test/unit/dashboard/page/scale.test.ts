import { expect, test } from 'vitest'
import { percent, ticksOf } from '../../../../src/dashboard/page/scale.ts'

const HOUR = 3_600_000

test('an instant stands where its time is in the window', () => {
  const scale = { fromMs: 1000, toMs: 2000 }
  expect([percent(scale, 1000), percent(scale, 1500), percent(scale, 2500)]).toEqual([0, 50, 150])
})

test.each([
  [HOUR, 6, 10 * 60_000],
  [6 * HOUR, 6, HOUR],
  [24 * HOUR, 8, 3 * HOUR],
  [24 * HOUR, 2, 12 * HOUR],
])('a window of %d ms has at most %d lines, at round times %d ms apart', (ms, most, step) => {
  const fromMs = Date.parse('2026-11-28T13:07:11Z')
  const ticks = ticksOf({ fromMs, toMs: fromMs + ms }, most)
  expect(ticks.length).toBeLessThanOrEqual(most + 1)
  const steps = ticks.slice(1).map(({ atMs }, n) => atMs - (ticks[n]?.atMs ?? 0))
  expect(new Set(steps)).toEqual(new Set(steps.length > 0 ? [step] : []))
  for (const { atMs } of ticks) expect((atMs - new Date(atMs).setHours(0, 0, 0, 0)) % step).toBe(0)
})
