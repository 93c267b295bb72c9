import * as v from 'valibot'
import { printable, quoted } from '../base/printable.ts'
import { ConsulLockerError } from './errors.ts'

/**
 * A schema for each option of an interface. The message of each says what the option takes.
 * @internal
 */
export type SchemasOf<Options> = Required<{ readonly [Name in keyof Options]: v.GenericSchema<unknown, unknown> }>

/** @internal */
export const aText = v.string('text')

/** @internal */
export const yesOrNo = v.boolean('true or false')

/** @internal */
export function aFunction<F extends (...args: never) => unknown>() {
  return v.custom<F>((value) => typeof value === 'function', 'a function')
}

/** @internal */
export function aWholeNumber(least: number, most?: number) {
  const what = most === undefined ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`
  return v.pipe(v.number(what), v.integer(what), v.minValue(least, what), v.maxValue(most ?? Infinity, what))
}

/**
 * What a program hands over under this name, by this schema: who writes JavaScript may hand over anything. Throws a
 * `usage` error that says what is taken instead.
 * @internal
 */
export function given<Output>(name: string, schema: v.GenericSchema<unknown, Output>, value: unknown): Output {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  throw mistaken([name, ...pathOf(issue)].join('.'), issue)
}

/**
 * The options that a program hands over to this function of ours; one that is misspelt would be one that isn't there.
 * `prefix` stands before their names. Throws a `usage` error.
 * @internal
 */
export function givenOptions<Output>(
  owner: string,
  schema: v.GenericSchema<unknown, Output> & { readonly entries: object },
  value: unknown,
  prefix = '',
): Output {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const path = pathOf(issue).join('.')
  if (path === '') throw mistaken(`what ${owner} takes as options`, { ...issue, message: 'an object' })
  if (issue.type === 'strict_object') {
    throw new ConsulLockerError('usage', printable(`${owner} has no option ${quoted(path)}`), {
      hint: `it takes ${Object.keys(schema.entries).join(', ')}`,
    })
  }
  throw mistaken(`${prefix}${path}`, issue)
}

function pathOf({ path }: v.BaseIssue<unknown>): string[] {
  return (path ?? []).map(({ key }) => String(key))
}

function mistaken(what: string, { input, message }: v.BaseIssue<unknown>): ConsulLockerError {
  return new ConsulLockerError('usage', printable(`${what} is ${shown(input)}, not ${message}`))
}

function shown(given: unknown): string {
  if (typeof given === 'string') return quoted(given)
  if (Array.isArray(given)) return 'a list'
  if (typeof given === 'object' && given !== null) return 'an object'
  return typeof given === 'function' || typeof given === 'symbol' ? `a ${typeof given}` : String(given)
}
