import yargs, { type Argv, type Options as YargsOption } from 'yargs'
import { Failure } from '../../base/failure.ts'
import type { Syntax } from './command-syntax.ts'
import { called, isFlag, type Option, type Options } from './option.ts'

/** What no argument can have in it: it stands for a value that was left out, and for an option that there isn't. */
export const NO_VALUE = '\0'

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
    .option(NO_VALUE, { type: 'string' })
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      throw error === undefined || error.name === 'YError' ? usageFailure(message, syntax) : error
    })
}

function forYargs({ value, alias, isRepeatable = false }: Option): YargsOption {
  const named = alias === undefined ? {} : { alias }
  if (value === undefined) return { type: 'boolean', ...named }
  return { type: 'string', requiresArg: true, array: isRepeatable, ...named }
}

/** Of all that yargs can complain of, these are left to it: a value left out, and an option like `-5s`. */
function usageFailure(message: string, syntax: Syntax): Failure {
  const [, unknown] = /^Unknown arguments?: (.)/s.exec(message) ?? []
  if (unknown !== undefined) return new UnknownOption(unknown, syntax)
  const [, bare = ''] = /^Not enough arguments following: (.*)$/s.exec(message) ?? []
  const value = called(syntax.options, bare)?.value
  if (value === undefined) throw new Error(message)
  return new Failure('usage', `${dashed(bare)} has no value`, {
    hint: `write it as ${dashed(bare)} ${value}; one that begins with a dash as ${dashed(bare)}=${value}`,
  })
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

/** What a command is called by: `consul-locker rollout`. */
export function nameOf({ usage }: Syntax): string {
  return /^consul-locker(?: [a-z-]+)?/.exec(usage)?.[0] ?? 'consul-locker'
}

/** Its hint names the nearest option; finding that needs a module that only this failure loads. */
export class UnknownOption extends Failure {
  readonly #option: string
  readonly #syntax: Syntax

  constructor(option: string, syntax: Syntax, written = dashed(option)) {
    super('usage', `there is no option ${written}`, { hint: helpHint(syntax) })
    this.#option = option
    this.#syntax = syntax
  }

  /** The same failure, with a better hint if there is one. */
  async withNearest(): Promise<Failure> {
    const { nearest } = await import('./nearest.ts')
    const { options } = this.#syntax
    const meant = negated(this.#option, options) ?? nearest(this.#option, Object.keys(options))
    if (meant === undefined) return this
    return new Failure('usage', this.message, { hint: `did you mean --${meant}? ${helpHint(this.#syntax)}` })
  }
}

/** What `--no-quiet` means. */
function negated(option: string, options: Options): string | undefined {
  const name = option.replace(/^no-/, '')
  return name !== option && isFlag(called(options, name)) ? `${name}=false` : undefined
}

function helpHint(syntax: Syntax): string {
  return `see ${nameOf(syntax)} --help`
}
