import { parseDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'

/** A time: milliseconds, or text as people write it, `90s`, `1.5h`, `2m30s`; text without a unit is seconds. */
export type Duration = number | string

/**
 * In milliseconds. Throws a `usage` failure, which calls it by this name.
 * @internal
 */
export function milliseconds(name: string, duration: Duration): number {
  const ms = typeof duration === 'string' ? parseDuration(duration) : duration
  if (typeof ms === 'number' && ms >= 0) return ms
  throw new Failure('usage', `${name} is ${quoted(String(duration))}, which is no time`, {
    hint: 'a number of milliseconds, or text such as 90s, 1.5h, 2m30s',
  })
}
