import type { Operand } from './operand.ts'

/** What was given for an option, on the command line or in the environment; several for one that may be repeated. */
export type GivenValue = string | boolean | readonly string[] | undefined

/** An option: how it is written and told of, and what is made of its value. */
export interface Option<T = unknown> {
  /** The heading in the help. */
  readonly group: string
  readonly describe: string
  /** What the help calls its value; an option without takes none. */
  readonly value?: string
  readonly alias?: string
  readonly choices?: readonly string[]
  /** What its value may be, where the name of that doesn't tell. */
  readonly operand?: Operand
  readonly isRepeatable?: boolean
  /** Its value when none was given, as a user would write it. */
  readonly otherwise?: string
  /** Its value may be left out; then it is written behind an equals sign only. */
  readonly isOptional?: boolean
  /** Its value may begin with a dash, as no other's does. */
  readonly takesDash?: boolean
  /** Whether its variable counts in every command, or in none; by default, in those whose options come first. */
  readonly variable?: 'everywhere' | 'nowhere'
  /** Throws a `usage` failure for a value that is none. */
  read(given: GivenValue, name: string): T
}

export type Options = Readonly<Record<string, Option>>

/** The option that is called so, by its name or its letter. */
export function called(options: Options, word: string): Option | undefined {
  if (Object.hasOwn(options, word)) return options[word]
  return Object.values(options).find(({ alias }) => alias === word)
}

/** Whether an option is a yes or no. */
export function isFlag(option: Option | undefined): boolean {
  return option !== undefined && option.value === undefined
}

/** What was asked for by options, by their names. */
export type Values<O extends Options> = {
  readonly [N in keyof O]: O[N] extends Option<infer T> ? T : never
}

/** Makes a value out of a text that was given for the option `name`. Throws a `usage` failure. */
export type Parse<T> = (text: string, name: string) => T

/** An option that is a yes or no. */
export function flag(group: string, describe: string): Option<boolean> {
  return { group, describe, read: (given) => given === true }
}

/** A yes or no as Go's ParseBool reads it; `undefined` for what is neither. */
export function truthOf(text: string): boolean | undefined {
  if (/^(1|t|true)$/i.test(text)) return true
  return /^(0|f|false)$/i.test(text) ? false : undefined
}

/** An option with a value; it stands in the help by the name `value`, and `otherwise` when it isn't given. */
export function option(group: string, value: Uppercase<string>, describe: string): Option<string | undefined>
export function option<T>(
  group: string,
  value: Uppercase<string>,
  describe: string,
  parse: Parse<T>,
): Option<T | undefined>
export function option<T>(
  group: string,
  value: Uppercase<string>,
  describe: string,
  parse: Parse<T>,
  otherwise: string,
): Option<T>
export function option(
  group: string,
  value: Uppercase<string>,
  describe: string,
  parse: Parse<unknown> = (text) => text,
  otherwise?: string,
): Option {
  const read = (given: GivenValue, name: string) => {
    const text = typeof given === 'string' ? given : otherwise
    return text === undefined ? undefined : parse(text, name)
  }
  return { group, describe, value, read, ...(otherwise !== undefined && { otherwise }) }
}

/** An option that is a yes or no, or a value (`--name=VALUE`): `''` is yes. */
export function optionalValue(group: string, value: Uppercase<string>, describe: string): Option<string | undefined> {
  const read = (given: GivenValue) => {
    const meant = typeof given === 'string' ? truthOf(given) : false
    return meant === undefined ? String(given) : meant ? '' : undefined
  }
  return { group, describe, value, isOptional: true, read }
}

/** An option with a value that may be given several times. */
export function repeatable(
  group: string,
  value: Uppercase<string>,
  describe: string,
  parse: Parse<string> = (text) => text,
): Option<readonly string[]> {
  const read = (given: GivenValue, name: string) =>
    Array.isArray(given) ? given.map((text: string) => parse(text, name)) : []
  return { group, describe, value, isRepeatable: true, read }
}

/** Options whose variables count in every command. */
export function everywhere<O extends Options>(options: O): O {
  const marked = Object.entries(options).map(([name, option]) => [name, { ...option, variable: 'everywhere' }])
  return Object.fromEntries(marked) as O
}

/** An option that no variable gives: one that names our version, for instance, is somebody's note. */
export function onlyWord<T>(option: Option<T>): Option<T> {
  return { ...option, variable: 'nowhere' }
}

/**
 * What the options mean, by what was given for them. A value is looked at when it is asked for: by then we talk as the
 * user wants, and what this form of a command doesn't use harms nothing.
 */
export function valuesOf<O extends Options>(options: O, given: Readonly<Record<string, GivenValue>>): Values<O> {
  const values = {}
  for (const [name, option] of Object.entries(options)) {
    Object.defineProperty(values, name, { enumerable: true, get: () => option.read(given[name], name) })
  }
  return values as Values<O>
}

/** An option's environment variable. */
export function variableOf(name: string): string {
  return `CONSUL_LOCKER_${name.replaceAll('-', '_').toUpperCase()}`
}
