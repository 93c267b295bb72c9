import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Context } from '../../../../base/context.ts'
import { Failure } from '../../../../base/failure.ts'
import { findExecutable } from '../../../../child/executable.ts'
import type { LockSpec } from '../../../../lock/acquire-options.ts'
import type { Invocation, Subcommand } from '../../../invocation/invocation.ts'
import type { Syntax } from '../../../syntax/command-syntax.ts'
import { wordsOf } from '../../../syntax/environment-words.ts'
import {
  type GivenValue,
  type Option,
  type Options,
  type Values,
  valuesOf,
  variableOf,
} from '../../../syntax/option.ts'
import type { Sorted } from '../../../syntax/parse.ts'
import { sortWithRun } from '../run-words.ts'
import { RUN_SYNTAX, type RunCommandOptions } from '../syntax.ts'
import { unstartedRun } from '../unstarted-run.ts'

/** A run that somebody else is to start later, in another environment and another folder. */
export interface ScheduledRun<O extends Options> {
  readonly ctx: Context
  /** Those of the word that prints it. */
  readonly options: Values<O>
  readonly run: RunCommandOptions
  readonly lock: LockSpec
  /** All that is to be executed, our own program's path first: full paths, no environment needed. */
  readonly words: readonly [string, ...string[]]
}

/** Of a run, what can be scheduled: help and version can't. */
const RUN_OPTIONS = Object.fromEntries(
  Object.entries(RUN_SYNTAX.options).filter(([, { variable }]) => variable !== 'nowhere'),
)

/** A word that takes a run's own words behind its options, and prints how somebody else starts that run. */
export function schedulingWord<O extends Options>(
  syntax: Syntax<O>,
  show: (scheduled: ScheduledRun<O>) => number,
): Subcommand {
  return {
    syntax,
    perform: async ({ words, environment, context }: Invocation) => {
      const sorted = sortWithRun(syntax, RUN_OPTIONS, words, {})
      const options = valuesOf(RUN_SYNTAX.options, sorted.given)
      const ctx = context(options)
      if (sorted.words.length === 0) throw new Failure('usage', 'no lock was named', { hint: formOf(syntax) })
      const { lock, command } = unstartedRun(ctx, { options, words: sorted.words }, {}).spec
      const { file } = findExecutable(command, environment.PATH)
      warnOfSurroundings(ctx, sorted.given, environment, command.slice(1))
      const [, ...args] = command
      // What an option in front of it would be said to take, or would be taken for one.
      const name = /^(-|(true|false)$)/.test(lock.name) ? ['--', lock.name] : [lock.name]
      return show({
        ctx,
        options: valuesOf(syntax.options, sorted.given),
        run: options,
        lock,
        // By the word `run` no name is ever taken for a command of ours, of this version or of another one.
        words: [ourProgram(environment), 'run', ...optionWords(sorted.given), ...name, resolve(file), ...args],
      })
    },
  }
}

function formOf({ usage }: Syntax): string {
  return usage.slice(0, usage.indexOf('\n'))
}

function optionWords(given: Sorted['given']): string[] {
  return Object.entries(RUN_OPTIONS).flatMap(([name, option]) => {
    const values: readonly GivenValue[] = [given[name] ?? []].flat()
    return values.flatMap((value) => {
      return typeof value === 'string'
        ? valueWords(name, option, value)
        : [`--${name}${value === false ? '=false' : ''}`]
    })
  })
}

function valueWords(name: string, { value: kind = '', isOptional }: Option, value: string): string[] {
  const whole = ['FILE', 'DIR'].includes(kind) ? resolve(value) : value
  return isOptional || whole.startsWith('-') || whole === '' ? [`--${name}=${whole}`] : [`--${name}`, whole]
}

/** As it was called, a link that outlives upgrades for one; the file itself, when nothing else leads there. */
function ourProgram({ PATH }: NodeJS.ProcessEnv): string {
  try {
    const { file } = findExecutable([process.argv0], PATH)
    if (realpathSync(file) === realpathSync(process.execPath)) return resolve(file)
  } catch {
    // Whoever started us may call us what he likes.
  }
  return process.execPath
}

const FROM_CONSUL = / \((CONSUL_\w+)\)$/

/** What works here, and will not where the run is started. */
function warnOfSurroundings(
  ctx: Context,
  given: Sorted['given'],
  environment: NodeJS.ProcessEnv,
  args: readonly string[],
): void {
  const ours = new Set(wordsOf(RUN_OPTIONS, environment).map((word) => word.replace(/^--|=.*$/gs, '')))
  const forgotten = Object.entries(RUN_OPTIONS).flatMap(([name, { describe }]) => {
    const [, consuls = ''] = FROM_CONSUL.exec(describe) ?? []
    const isGiven = given[name] !== undefined || (name === 'token' && given['token-file'] !== undefined)
    if (isGiven) return []
    if (ours.has(name)) return [`${variableOf(name)} (--${name})`]
    return environment[consuls] ? [`${consuls} (--${name === 'token' ? 'token-file' : name})`] : []
  })
  if (forgotten.length > 0) {
    ctx.log.warn(`set in this environment, and unknown where the run is started: ${forgotten.join(', ')}`)
  }
  if (given.token !== undefined) ctx.log.warn('the token stands in what is printed; give --token-file')
  for (const near of new Set(args.filter(isNear)))
    ctx.log.warn(`${near} is a file of this folder, and the run is started in another: give its path`)
}

/** A plain word is none, though there may be a file of its name: it may be anything. */
function isNear(word: string): boolean {
  return /^[^-/].*[./]|^[.]/.test(word) && existsSync(word)
}
