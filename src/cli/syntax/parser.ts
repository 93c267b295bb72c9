import yargs, { type Argv, type Options as YargsOption } from 'yargs'
import { Failure } from '../../base/failure.ts'
import type { Syntax } from './command-syntax.ts'
import type { Option } from './option.ts'

const PARSERS = new WeakMap<Syntax, Argv>()

/** Makes a syntax's parser ahead of its use: in the start-up snapshot it costs a run nothing. */
export function prepared<S extends Syntax>(syntax: S): S {
  PARSERS.set(syntax, newParser(syntax))
  return syntax
}

export function parserOf(syntax: Syntax): Argv {
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
    .options(Object.fromEntries(Object.entries(syntax.options).map(([name, option]) => [name, forYargs(option)])))
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      throw error === undefined || error.name === 'YError' ? usageFailure(message, syntax) : error
    })
}

function forYargs({ value, alias, choices, isRepeatable = false }: Option): YargsOption {
  const named = alias === undefined ? {} : { alias }
  if (value === undefined) return { type: 'boolean', ...named }
  return { type: 'string', requiresArg: true, array: isRepeatable, ...named, ...(choices && { choices }) }
}

const HELP_HINT = 'see consul-locker --help'

function usageFailure(message: string, syntax: Syntax): Failure {
  const [, names] = /^Unknown arguments?: (.*)$/.exec(message) ?? []
  if (names === undefined) return new Failure('usage', decapitalised(message), { hint: `see ${nameOf(syntax)} --help` })
  const [unknown = ''] = names.split(', ')
  return new UnknownOption(unknown, Object.keys(syntax.options))
}

/** What a command is called by: `consul-locker rollout`. */
export function nameOf({ usage }: Syntax): string {
  return /^consul-locker(?: [a-z-]+)?/.exec(usage)?.[0] ?? 'consul-locker'
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
