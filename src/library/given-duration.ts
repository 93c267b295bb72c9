import * as v from 'valibot'
import { parseDuration } from '../base/duration.ts'

/** A time: milliseconds, or text as people write it, `90s`, `1.5h`, `2m30s`; text without a unit is seconds. */
export type Duration = number | string

/**
 * A time as it is given, which becomes milliseconds.
 * @internal
 */
export const aDuration = v.pipe(
  v.custom<Duration>(
    (given) => millisecondsIn(given) !== undefined,
    'a time: a number of milliseconds, or text such as 90s, 1.5h, 2m30s',
  ),
  v.transform((given) => millisecondsIn(given) ?? 0),
)

function millisecondsIn(given: unknown): number | undefined {
  const ms = typeof given === 'string' ? parseDuration(given) : given
  return typeof ms === 'number' && ms >= 0 ? ms : undefined
}
