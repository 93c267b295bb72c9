import { Failure } from '../base/failure.ts'
import type { Given } from './parse.ts'

/** An option that takes a whole number within bounds; `undefined` when it wasn't given. Throws a `usage` failure. */
export function wholeNumber(option: string, given: Given, [least, most]: [number, number]): number | undefined {
  const text = given(option)
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Failure('usage', `--${option} ${JSON.stringify(text)} is no number from ${least} to ${most}`)
}
