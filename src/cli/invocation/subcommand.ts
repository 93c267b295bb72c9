import type { Context } from '../../base/context.ts'
import { OUTPUT_OPTIONS } from '../options/output-options.ts'
import type { Syntax } from '../syntax/command-syntax.ts'
import { blaming } from '../syntax/environment-words.ts'
import { type Options, type Values, valuesOf } from '../syntax/option.ts'
import { type SortedAnywhere, sortAnywhere } from '../syntax/parse.ts'
import type { Invocation, Subcommand } from './invocation.ts'

/** What a command was asked for, and what it needs to do it. */
export interface CommandRequest<O extends Options>
  extends Pick<SortedAnywhere, 'words' | 'command' | 'given'>,
    Pick<Invocation, 'environment' | 'signals'> {
  readonly ctx: Context
  readonly options: Values<O>
}

/** A command whose options may stand anywhere. `perform` settles with the exit code. */
export function subcommand<O extends Options>(
  syntax: Syntax<O>,
  perform: (request: CommandRequest<O>) => Promise<number>,
): Subcommand {
  return {
    syntax,
    perform: async ({ words: all, environment, signals, context }) => {
      const { given, words, command, inherited } = sortAnywhere(syntax, all, environment)
      const ctx = context(valuesOf(OUTPUT_OPTIONS, given))
      const options = valuesOf(syntax.options, given)
      return blaming(inherited, () => perform({ ctx, options, given, words, command, environment, signals }))
    },
  }
}
