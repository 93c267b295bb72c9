import yargs, { type Argv, type Options } from 'yargs'
import { Failure } from '../base/failure.ts'
import { wordsOf } from './environment.ts'
import { sharedEnvironment } from './shared-environment.ts'

/** What a command understands. */
export interface Syntax {
  /** The command line's form, a blank line, and what it does. */
  readonly usage: string
  readonly options: Readonly<Record<string, Options>>
  /** Stands below the options: examples and exit codes. */
  readonly epilogue: string
}

/** Words sorted into options and the rest. */
export interface Parsed {
  /** Options that were given, on the command line or in the environment. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  /** All words from the first that is no option on, verbatim; a `--` before it is dropped. */
  readonly words: readonly string[]
}

const COLUMNS = 80

/** Sorts words. Options stand before the first other word. Throws a `usage` failure. */
export function parse(syntax: Syntax, words: readonly string[], environment: NodeJS.ProcessEnv): Parsed {
  const inherited = wordsOf(syntax.options, environment)
  const [first] = words
  // Options stand before the first other word: here are none, and the parser takes its time to find none.
  if (inherited.length === 0 && first !== undefined && !first.startsWith('-')) return { options: {}, words }
  const parsed = parserOf(syntax).parseSync([...inherited, ...words])
  const options: Record<string, Parsed['options'][string]> = {}
  for (const [name, { array }] of Object.entries(syntax.options)) {
    const values = [parsed[name] ?? []].flat() as (string | boolean)[]
    const inheritedOnes = inherited.filter((word) => word.startsWith(`--${name}=`)).length
    if (values.length > 0) options[name] = array ? newest(values as string[], inheritedOnes) : values.at(-1)
  }
  return { options, words: parsed._.map(String) }
}

/** Values of the command line take the place of those of the environment, which come first. */
function newest(values: readonly string[], inheritedOnes: number): readonly string[] {
  return values.length > inheritedOnes ? values.slice(inheritedOnes) : values
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

/** The help, in lines of at most 80 columns. */
export async function helpOf(syntax: Syntax): Promise<string[]> {
  return (await parserOf(syntax).getHelp()).split('\n')
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
    .usage(syntax.usage)
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
    .wrap(COLUMNS)
    .epilogue(syntax.epilogue)
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

  /** The same failure, with a better hint. */
  async withNearest(): Promise<Failure> {
    const { default: levenshtein } = await import('fastest-levenshtein')
    return new Failure('usage', this.message, {
      hint: `did you mean --${levenshtein.closest(this.#option, this.#known)}? ${HELP_HINT}`,
    })
  }
}

function decapitalised(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replaceAll('\n', ' ')
}
