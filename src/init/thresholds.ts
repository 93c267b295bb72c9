import { Failure } from '../base/failure.ts'
import type { Health } from '../consul/health.ts'

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

/** How right a count is. */
export function healthOfCount(count: number, { warning, critical }: Thresholds): Health {
  if (critical && !isWithin(count, critical)) return 'critical'
  return warning && !isWithin(count, warning) ? 'warning' : 'passing'
}

function isWithin(count: number, { min, max }: CountRange): boolean {
  if (max < min) return count <= max || count >= min
  return min <= count && count <= max
}
