import { Failure } from '../base/failure.ts'

/** How many are right, both ends included; with the maximum below the minimum, those between the two are wrong. */
export interface CountRange {
  readonly min: number
  readonly max: number
}

/** What is outside of `critical` is critical, and what is outside of `warning` is a warning. */
export interface Thresholds {
  readonly warning?: CountRange
  readonly critical?: CountRange
}

/** At least one. */
export const AT_LEAST_ONE: Thresholds = { critical: { min: 1, max: Number.POSITIVE_INFINITY } }

/**
 * Reads a range as Nagios plugins have them: `max`, `min:`, `:max` or `min:max`. Throws a `usage` failure.
 * https://nagios-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
 */
export function parseRange(text: string): CountRange {
  const [, min, max] = /^(?:(\d*):)?(\d*)$/.exec(text) ?? []
  if (max === undefined || !/\d/.test(text)) {
    throw new Failure('usage', `${JSON.stringify(text)} is no range of numbers`, {
      hint: 'write it as 1:, :10 or 1:10',
    })
  }
  return { min: Number(min ?? 0), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) }
}

/** 0 right, 1 a warning, 2 critical. */
export function thresholdCode(count: number, { warning, critical }: Thresholds): 0 | 1 | 2 {
  if (critical && !isWithin(count, critical)) return 2
  return warning && !isWithin(count, warning) ? 1 : 0
}

function isWithin(count: number, { min, max }: CountRange): boolean {
  if (max < min) return count <= max || count >= min
  return min <= count && count <= max
}
