import { Random } from '../stage/random.ts'

/** A number that was measured, and between what it lies. */
export interface Estimate {
  readonly value: number
  /** Missing when there are too few rounds to say. */
  readonly interval?: { readonly low: number; readonly high: number }
  readonly rounds: number
}

export type GoalVerdict = 'reached' | 'missed' | 'undecided'

/** The interval of fewer is no wider than what was seen, and the truth lies outside too often. */
const LEAST_ROUNDS = 6
const DRAWS = 2000
/** One of 99 %, for bootstrap makes them too narrow where rounds are few: that of six rounds is one of 97 %. */
const OUTSIDE = 0.01

/**
 * What `statistic` says of the rounds, and its interval by bootstrap: whole rounds are drawn anew, each as often as
 * chance has it, and what lies between the outermost draws is the interval. What is compared was measured in the same
 * round, so that trouble of the machine's hits both. The same rounds always give the same interval.
 */
export function estimate<T>(rounds: readonly T[], statistic: (rounds: readonly T[]) => number): Estimate {
  const value = statistic(rounds)
  if (rounds.length < LEAST_ROUNDS) return { value, rounds: rounds.length }
  const random = new Random(1)
  const draws = Array.from({ length: DRAWS }, () => statistic(random.drawn(rounds))).sort((a, b) => a - b)
  const at = (q: number) => draws[Math.round(q * (DRAWS - 1))] as number
  return { value, interval: { low: at(OUTSIDE / 2), high: at(1 - OUTSIDE / 2) }, rounds: rounds.length }
}

/** Whether it is at most `limit`: only when the whole interval says so. */
export function verdictOf({ interval }: Estimate, limit: number): GoalVerdict {
  if (interval && interval.high <= limit) return 'reached'
  return interval && interval.low > limit ? 'missed' : 'undecided'
}

/** The verdict on a goal as Markdown; what is not reached stands out. */
export function goalText(estimate: Estimate, limit: number, text: string): string {
  const verdict = verdictOf(estimate, limit)
  return `≤ ${text}: ${verdict === 'missed' ? '**missed**' : verdict}`
}

/** The value with its interval; `–` for what is no number. */
export function estimateText({ value, interval }: Estimate, text: (value: number) => string): string {
  if (!Number.isFinite(value)) return '–'
  if (!interval || !Number.isFinite(interval.high)) return text(value)
  return `${text(value)} (${text(interval.low)}–${text(interval.high)})`
}
