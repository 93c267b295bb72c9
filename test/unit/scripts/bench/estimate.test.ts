import { describe, expect, test } from 'vitest'
import { estimate, estimateText, goalText, verdictOf } from '../../../../scripts/bench/estimate.ts'
import { type Row, Samples } from '../../../../scripts/bench/row.ts'
import { Random } from '../../../../scripts/stage/random.ts'
import { median, quantile } from '../../../../scripts/stage/statistics.ts'

const head = { id: 'speed', what: 'speed', unit: 'ms' } as const

/**
 * Rounds of both tools, `ratio` times as long for ours; a round's trouble stretches both, each sample is `noise` off.
 */
function measured({ rounds, ratio, noise, runs = 1 }: { rounds: number; ratio: number; noise: number; runs?: number }) {
  const [samples, random] = [new Samples(), new Random(rounds)]
  for (let round = 0; round < rounds; round++) {
    const trouble = 10 + 20 * random.next()
    const run = (factor: number) => trouble * factor * (1 + noise * (random.next() - 0.5))
    samples.add('consul-locker', ...Array.from({ length: runs }, () => run(ratio)))
    samples.add('consul lock', ...Array.from({ length: runs }, () => run(1)))
    if (round === 0) samples.add('bash + curl', run(2))
  }
  return samples
}

describe('a ratio', () => {
  test('is the quotient of both figures, and its interval has it inside', () => {
    const { figures, ratio } = measured({ rounds: 30, ratio: 1.5, noise: 0.2 }).row(head, median)
    expect(ratio.value).toBe(figures['consul-locker'].value / figures['consul lock'].value)
    expect(ratio).toMatchObject({ rounds: 30 })
    expect(ratio.interval?.low).toBeLessThan(ratio.value)
    expect(ratio.interval?.high).toBeGreaterThan(ratio.value)
  })

  test('pairs what one round gave, so that trouble of the machine does not widen it', () => {
    const interval = measured({ rounds: 12, ratio: 1.2, noise: 0 }).row(head, median).ratio.interval
    expect(interval?.low).toBeCloseTo(1.2, 10)
    expect(interval?.high).toBeCloseTo(1.2, 10)
  })

  test('of a tail is drawn in whole rounds, too', () => {
    const p99 = (all: readonly number[]) => quantile(all, 0.99)
    const { ratio } = measured({ rounds: 20, ratio: 1, noise: 0.3, runs: 10 }).row(head, p99)
    expect(ratio.interval?.low).toBeLessThanOrEqual(1)
    expect(ratio.interval?.high).toBeGreaterThanOrEqual(1)
  })

  test('has no interval when there were fewer than six rounds', () => {
    expect(measured({ rounds: 5, ratio: 3, noise: 0 }).row(head, median).ratio).not.toHaveProperty('interval')
    expect(measured({ rounds: 6, ratio: 3, noise: 0 }).row(head, median).ratio).toHaveProperty('interval')
  })

  test('is missing where a tool was not measured', () => {
    const samples = new Samples()
    samples.add('consul-locker', 1)
    expect(() => samples.row(head, median)).toThrow('consul lock has no speed.')
  })
})

test('an interval of a median, of six rounds, is all that was seen: it misses the truth twice in 64 times', () => {
  const { interval } = estimate([4, 9, 1, 7, 3, 6], (drawn) => median(drawn).value)
  expect(interval).toEqual({ low: 1, high: 9 })
})

test('an interval of more rounds is narrower, and holds the truth in 95 of 100 measurements', () => {
  const random = new Random(7)
  const intervals = Array.from({ length: 100 }, () => {
    const samples = Array.from({ length: 20 }, () => random.next())
    return estimate(samples, (drawn) => median(drawn).value).interval ?? { low: 0, high: 1 }
  })
  const holds = intervals.filter(({ low, high }) => low <= 0.5 && high >= 0.5)
  expect(holds.length).toBeGreaterThanOrEqual(95)
  expect(median(intervals.map(({ low, high }) => high - low)).value).toBeLessThan(0.7)
})

test('the same rounds give the same interval', () => {
  const once = () => estimate([1, 5, 2, 9, 4, 4, 7], (drawn) => median(drawn).value)
  expect(once()).toEqual(once())
})

test.for([
  { low: 0.9, high: 1, verdict: 'reached' },
  { low: 0.9, high: 1.01, verdict: 'undecided' },
  { low: 1, high: 1.2, verdict: 'undecided' },
  { low: 1.01, high: 1.2, verdict: 'missed' },
] as const)('from $low to $high, at most 1 is $verdict', ({ low, high, verdict }) => {
  expect(verdictOf({ value: 1, interval: { low, high }, rounds: 9 }, 1)).toBe(verdict)
})

test('without an interval nothing is decided', () => {
  expect(verdictOf({ value: 0.1, rounds: 2 }, 1)).toBe('undecided')
})

test('a goal says so, and what is missed stands out', () => {
  const of = (low: number, high: number): Row['ratio'] => ({ value: 1, interval: { low, high }, rounds: 9 })
  expect(goalText(of(0.5, 0.6), 1, '1.00')).toBe('≤ 1.00: reached')
  expect(goalText(of(0.5, 1.6), 1, '1.00')).toBe('≤ 1.00: undecided')
  expect(goalText(of(1.5, 1.6), 1, '1.00')).toBe('≤ 1.00: **missed**')
})

test('a value stands with its interval, and what is no number is a dash', () => {
  const text = (value: number) => value.toFixed(2)
  expect(estimateText({ value: 1.5, interval: { low: 1.412, high: 1.6 }, rounds: 9 }, text)).toBe('1.50 (1.41–1.60)')
  expect(estimateText({ value: 1.5, rounds: 2 }, text)).toBe('1.50')
  expect(estimateText({ value: Number.POSITIVE_INFINITY, rounds: 2 }, text)).toBe('–')
})
