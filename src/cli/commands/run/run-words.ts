import type { Syntax } from '../../syntax/command-syntax.ts'
import { wordsOf } from '../../syntax/environment-words.ts'
import type { Options } from '../../syntax/option.ts'
import { HelpWanted, type Sorted, sort } from '../../syntax/parse.ts'
import { RUN_SYNTAX } from './syntax.ts'

/**
 * Sorts the words of a command about a run: its own options, and `options` of a run, stand before the run's own words.
 * Of those in `environment` the run's count. The help tells of the command's own options only. Throws as `sort` does.
 */
export function sortWithRun(
  own: Syntax,
  options: Options,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Sorted {
  // Where it has no values of its own, what is amiss with one is told of in the run's help.
  const { usage } = Object.keys(own.options).every((name) => name in options || isFlag(own, name)) ? RUN_SYNTAX : own
  const contradictions = [...RUN_SYNTAX.contradictions, ...(own.contradictions ?? [])]
  try {
    const syntax = { ...RUN_SYNTAX, usage, options: { ...options, ...own.options }, contradictions }
    return sort(syntax, words, wordsOf(syntax.options, environment))
  } catch (thrown) {
    throw thrown instanceof HelpWanted ? new HelpWanted(own, thrown.isWhole) : thrown
  }
}

function isFlag({ options }: Syntax, name: string): boolean {
  return options[name]?.value === undefined
}
