import { parseDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Given } from './parse.ts'

/** Milliseconds of an option that takes a duration; `undefined` when it wasn't given. Throws a `usage` failure. */
export function duration(option: string, given: Given): number | undefined {
  const text = given(option)
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms === undefined) {
    throw new Failure('usage', `--${option} ${JSON.stringify(text)} is not a duration`, {
      hint: 'write it as 90s, 1.5m, 2h or 500ms; a number alone means seconds',
    })
  }
  return ms
}
