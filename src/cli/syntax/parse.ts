import { Failure } from '../../base/failure.ts'
import type { Syntax } from './command-syntax.ts'
import { blamed, wordsOf } from './environment-words.ts'
import { type GivenValue, type Options, type Values, valuesOf } from './option.ts'
import { NO_VALUE, parserOf } from './parser.ts'
import { checkWord, isBareFlag, spelt } from './spelling.ts'

/** Words sorted into options and the rest. */
export interface Parsed<O extends Options> {
  readonly options: Values<O>
  /** All words from the first that is no option on, verbatim; a `--` before it is dropped. */
  readonly words: readonly string[]
  /** Which options the environment gives. */
  readonly inherited: readonly string[]
}

/** The same, before anything is made of the options' values. */
export interface Sorted {
  /** Options that were given, on the command line or in the environment. */
  readonly given: Readonly<Record<string, GivenValue>>
  readonly words: readonly string[]
  /** Which of them the environment gives. */
  readonly inherited: readonly string[]
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
export function parse<O extends Options>(
  syntax: Syntax<O>,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Parsed<O> {
  const { given, words: others, inherited } = sort(syntax, words, wordsOf(syntax.options, environment))
  return { options: valuesOf(syntax.options, given), words: others, inherited }
}

/** Sorts words, with those that the environment gives, which give way. Throws as `parse` does. */
export function sort(syntax: Syntax, words: readonly string[], inherited: readonly string[]): Sorted {
  return withInherited(syntax, sortOwn(syntax, words), inherited)
}

function sortOwn(syntax: Syntax, words: readonly string[]): Sorted {
  const [first] = words
  // Options stand before the first other word: here are none, and the parser takes its time to find none.
  if (first !== undefined && !first.startsWith('-')) return { given: {}, words, inherited: [] }
  const sorted = sortAll(syntax, words)
  const { help, h } = sorted.given
  if (help || h) throw new HelpWanted(syntax, help === true)
  return sorted
}

function withInherited(syntax: Syntax, own: Sorted, inherited: readonly string[]): Sorted {
  const { given } = own
  checkWishes(syntax, given)
  const sorted = inherited.length === 0 ? own : joinedWith(syntax, own, inherited)
  for (const [name, other] of syntax.needs ?? []) {
    if (!isWished(given[name]) || isWished(sorted.given[other])) continue
    throw new Failure('usage', `--${name} means nothing without --${other}`, { hint: 'leave it out, or give both' })
  }
  return sorted
}

function joinedWith(syntax: Syntax, own: Sorted, inherited: readonly string[]): Sorted {
  const { given } = own
  const overruled = (syntax.contradictions ?? []).flatMap((pair) => {
    return pair.some((name) => isWished(given[name])) ? pair : []
  })
  const wishes = Object.entries(inheritedBy(syntax, inherited))
  const kept = wishes.filter(([name]) => given[name] === undefined && !overruled.includes(name))
  return { ...own, given: { ...given, ...Object.fromEntries(kept) }, inherited: kept.map(([name]) => name) }
}

function inheritedBy(syntax: Syntax, words: readonly string[]): Sorted['given'] {
  try {
    const { given } = sortAll(syntax, words)
    checkWishes(syntax, given)
    return given
  } catch (thrown) {
    throw blamed(thrown, Object.keys(syntax.options))
  }
}

function sortAll(syntax: Syntax, words: readonly string[]): Sorted {
  checkDashes(syntax, words)
  const parsed = parserOf(syntax).parseSync(words.map((word) => spelt(syntax, word)))
  const others = words.slice(words.length - parsed._.length)
  const own = words.slice(0, words.length - others.length)
  for (const word of own) checkWord(syntax, word)
  checkNoLooseTruth(syntax, own.at(-1), others[0])
  const given: Record<string, GivenValue> = {}
  for (const [name, { isRepeatable, choices }] of Object.entries(syntax.options)) {
    const values = [parsed[name] ?? []].flat() as (string | boolean)[]
    if (values.length > 0) given[name] = isRepeatable ? (values as string[]) : values.at(-1)
    if (given[name] === NO_VALUE) given[name] = 'true'
    if (choices) checkChoice(name, given[name], choices)
  }
  return { given, words: others, inherited: [] }
}

function checkWishes({ contradictions = [] }: Syntax, given: Sorted['given']): void {
  for (const [one, other] of contradictions) {
    if (!isWished(given[one]) || !isWished(given[other])) continue
    throw new Failure('usage', `--${one} and --${other} are two wishes`, { hint: 'give one of them' })
  }
}

function isWished(value: GivenValue): boolean {
  return value !== undefined && value !== false
}

/** Throws a `usage` failure for a `true` or `false` behind a yes or no: it would be taken for the first other word. */
function checkNoLooseTruth(syntax: Syntax, last = '', next = ''): void {
  if (!/^(true|false)$/.test(next) || !isBareFlag(syntax, last)) return
  throw new Failure('usage', `${last} takes ${next} only behind an equals sign`, {
    hint: `write ${last}=${next}; or ${last}=true ${next}, if ${next} is a name`,
  })
}

function checkChoice(name: string, value: GivenValue, choices: readonly string[]): void {
  if (value === undefined || choices.includes(String(value))) return
  throw new Failure('usage', `--${name} ${JSON.stringify(value)} is neither ${choices.join(' nor ')}`, {
    hint: `write --${name} ${choices.join(` or --${name} `)}`,
  })
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
export interface SortedAnywhere extends Sorted {
  /** All words behind a `--`, verbatim; `undefined` without one. */
  readonly command: readonly string[] | undefined
}

/**
 * Sorts the words of a command that isn't a run. Only those options count in the environment that every command
 * understands: CONSUL_LOCKER_WAIT is how long to wait for a lock, and nothing else's. Throws as `parse` does.
 */
export function sortAnywhere(syntax: Syntax, words: readonly string[], environment: NodeJS.ProcessEnv): SortedAnywhere {
  const shared = Object.entries(syntax.options).filter(([, { variable }]) => variable === 'everywhere')
  const dashes = words.indexOf('--')
  const before = dashes < 0 ? words : words.slice(0, dashes)
  const others: string[] = []
  let sorted = sortOwn(syntax, withJoined(syntax, before))
  let { given } = sorted
  while (sorted.words.length > 0) {
    const [word = '', ...rest] = sorted.words
    others.push(word)
    sorted = sortOwn(syntax, rest)
    given = joined(given, sorted.given)
  }
  const own = { given, words: others, inherited: [] }
  return {
    ...withInherited(syntax, own, wordsOf(Object.fromEntries(shared), environment)),
    command: dashes < 0 ? undefined : words.slice(dashes + 1),
  }
}

function joined(before: Sorted['given'], after: Sorted['given']): Sorted['given'] {
  const repeated = Object.entries(after).filter(([name, value]) => Array.isArray(value) && Array.isArray(before[name]))
  const lists = repeated.map(([name, value]) => [name, [before[name], value].flat()])
  return { ...before, ...after, ...Object.fromEntries(lists) }
}

/** A value that begins with a dash, as options do, is taken for what it is when an equals sign stands before it. */
function withJoined({ options }: Syntax, words: readonly string[]): readonly string[] {
  const takers = Object.entries(options).filter(([, { takesDash }]) => takesDash)
  const names = new Map(
    takers.flatMap(([name, { alias = name }]) => [`-${alias}`, `--${name}`].map((form) => [form, name] as const)),
  )
  const at = words.findIndex((word) => names.has(word))
  const name = names.get(words[at] ?? '')
  const value = words[at + 1]
  if (name === undefined || value === undefined) return words
  return [...words.slice(0, at), `--${name}=${value}`, ...words.slice(at + 2)]
}
