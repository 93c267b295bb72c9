import yargs, { type Argv } from 'yargs'
import { Failure } from '../base/failure.ts'
import { wordsOf } from './environment.ts'
import type { Option } from './options.ts'
import { sharedEnvironment } from './shared-environment.ts'

/** What a command understands. */
export interface Syntax {
  /** The command line's form, a blank line, and what it does. */
  readonly usage: string
  /** The same for the short help, where the whole is too long for it. */
  readonly brief?: string
  readonly options: Readonly<Record<string, Option>>
  /** The options of the short help, ten at most. */
  readonly often?: readonly string[]
  /** Pairs of options of which only one may be given. */
  readonly contradictions?: readonly (readonly [string, string])[]
  /** Lines; three examples at most. */
  readonly examples?: readonly string[]
  /** Stands below all that: exit codes, for instance. */
  readonly epilogue: string
}

/** Words sorted into options and the rest. */
export interface Parsed {
  /** Options that were given, on the command line or in the environment. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  /** All words from the first that is no option on, verbatim; a `--` before it is dropped. */
  readonly words: readonly string[]
}

/** Somebody asks for help: a short one, or the whole. */
export class HelpWanted extends Error {
  readonly syntax: Syntax
  readonly isWhole: boolean

  constructor(syntax: Syntax, isWhole: boolean) {
    super('help is wanted')
    this.syntax = syntax
    this.isWhole = isWhole
  }
}

/** Sorts words. Options stand before the first other word. Throws a `usage` failure, or `HelpWanted`. */
export function parse(syntax: Syntax, words: readonly string[], environment: NodeJS.ProcessEnv): Parsed {
  const inherited = wordsOf(syntax.options, environment)
  const [first] = words
  // Options stand before the first other word: here are none, and the parser takes its time to find none.
  if (inherited.length === 0 && first !== undefined && !first.startsWith('-')) return { options: {}, words }
  const given = sort(syntax, words)
  const { help, h } = given.options
  if (help || h) throw new HelpWanted(syntax, help === true)
  if (inherited.length === 0) return given
  const wishes = sort(syntax, inherited).options
  const overruled = (syntax.contradictions ?? []).flatMap((pair) => {
    return pair.some((name) => given.options[name] !== undefined) ? pair : []
  })
  const kept = Object.entries(wishes).filter(([name]) => !overruled.includes(name))
  return { options: { ...Object.fromEntries(kept), ...given.options }, words: given.words }
}

function sort(syntax: Syntax, words: readonly string[]): Parsed {
  checkDashes(syntax, words)
  const parsed = parserOf(syntax).parseSync(words)
  const options: Record<string, Parsed['options'][string]> = {}
  for (const [name, { array }] of Object.entries(syntax.options)) {
    const values = [parsed[name] ?? []].flat() as (string | boolean)[]
    if (values.length > 0) options[name] = array ? (values as string[]) : values.at(-1)
  }
  for (const [one, other] of syntax.contradictions ?? []) {
    if (options[one] === undefined || options[other] === undefined) continue
    throw new Failure('usage', `--${one} and --${other} are two wishes`, { hint: 'give one of them' })
  }
  return { options, words: parsed._.map(String) }
}

/** As `consul` writes options, `-http-addr=x` would be taken for `-h`, and the like. Throws a `usage` failure. */
function checkDashes({ options }: Syntax, words: readonly string[]): void {
  for (const word of words) {
    if (!word.startsWith('-') || word === '--') return
    const [, name = ''] = /^-([a-z][a-z-]+)(?:=|$)/.exec(word) ?? []
    if (!Object.hasOwn(options, name)) continue
    throw new Failure('usage', `there is no option -${name}`, { hint: `--${name} has two dashes` })
  }
}

/** Words sorted where options may stand anywhere: before, between and behind the others. */
export interface Sorted extends Parsed {
  /** All words behind a `--`, verbatim. */
  readonly command: readonly string[]
}

/**
 * Sorts the words of a command that isn't a run. Only those options count in the environment that every command
 * understands: CONSUL_LOCKER_WAIT is how long to wait for a lock, and nothing else's. Throws a `usage` failure.
 */
export function parseAnywhere(syntax: Syntax, words: readonly string[], environment: NodeJS.ProcessEnv): Sorted {
  const dashes = words.indexOf('--')
  const command = dashes < 0 ? [] : words.slice(dashes + 1)
  const others: string[] = []
  let parsed = parse(syntax, dashes < 0 ? words : words.slice(0, dashes), sharedEnvironment(environment))
  let options = parsed.options
  while (parsed.words.length > 0) {
    const [word = '', ...rest] = parsed.words
    others.push(word)
    parsed = parse(syntax, rest, {})
    options = joined(options, parsed.options)
  }
  return { options, words: others, command }
}

function joined(before: Parsed['options'], after: Parsed['options']): Parsed['options'] {
  const repeated = Object.entries(after).filter(([name, value]) => Array.isArray(value) && Array.isArray(before[name]))
  const lists = repeated.map(([name, value]) => [name, [before[name], value].flat()])
  return { ...before, ...after, ...Object.fromEntries(lists) }
}

/** The value of an option that takes one. */
export type Given = (option: string) => string | undefined

/** Looks up options that take a value. */
export function givenIn(parsed: Parsed): Given {
  return (option) => {
    const value = parsed.options[option]
    return typeof value === 'string' ? value : undefined
  }
}

/** The values of an option that may be given several times. */
export function allGiven(parsed: Parsed, option: string): readonly string[] {
  const values = parsed.options[option]
  return Array.isArray(values) ? values : []
}

const PARSERS = new WeakMap<Syntax, Argv>()

/** Makes a syntax's parser ahead of its use: in the start-up snapshot it costs a run nothing. */
export function prepared(syntax: Syntax): Syntax {
  PARSERS.set(syntax, newParser(syntax))
  return syntax
}

function parserOf(syntax: Syntax): Argv {
  return PARSERS.get(syntax) ?? newParser(syntax)
}

// The working directory is named because yargs would ask for it, and it may be another one, or gone, when a run begins.
function newParser(syntax: Syntax): Argv {
  return yargs([], '/')
    .scriptName('consul-locker')
    .parserConfiguration({
      'halt-at-non-option': true,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .help(false)
    .version(false)
    .options(syntax.options)
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      throw error === undefined || error.name === 'YError' ? usageFailure(message, syntax) : error
    })
}

const HELP_HINT = 'see consul-locker --help'

function usageFailure(message: string, syntax: Syntax): Failure {
  const [, names] = /^Unknown arguments?: (.*)$/.exec(message) ?? []
  if (names === undefined) return new Failure('usage', decapitalised(message), { hint: HELP_HINT })
  const [unknown = ''] = names.split(', ')
  return new UnknownOption(unknown, Object.keys(syntax.options))
}

/** Its hint names the nearest option; finding that needs a module that only this failure loads. */
export class UnknownOption extends Failure {
  readonly #option: string
  readonly #known: readonly string[]

  constructor(option: string, known: readonly string[]) {
    super('usage', `there is no option ${option.length === 1 ? '-' : '--'}${option}`, { hint: HELP_HINT })
    this.#option = option
    this.#known = known
  }

  /** The same failure, with a better hint if there is one. */
  async withNearest(): Promise<Failure> {
    const { nearest } = await import('./nearest.ts')
    const meant = nearest(this.#option, this.#known)
    return meant === undefined
      ? this
      : new Failure('usage', this.message, { hint: `did you mean --${meant}? ${HELP_HINT}` })
  }
}

function decapitalised(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replaceAll('\n', ' ')
}
