import type { Operand } from './operand.ts'
import type { Options } from './option.ts'

/** What a command understands. */
export interface Syntax<O extends Options = Options> {
  /** What it does, as an imperative in a few words: for lists. */
  readonly summary: string
  /** The command line's form, a blank line, and what it does. */
  readonly usage: string
  /** The same for the short help, where the whole is too long for it. */
  readonly brief?: string
  readonly options: O
  /** The words that are no options, in their order. */
  readonly operands?: readonly Operand[]
  /** What it takes all options of, too; the help doesn't repeat them. */
  readonly includes?: Syntax
  /** The options of the short help, ten at most. */
  readonly often?: readonly string[]
  /** Pairs of options of which only one may be given. */
  readonly contradictions?: readonly (readonly [string, string])[]
  /** Pairs of options of which the first means nothing without the second. */
  readonly needs?: readonly (readonly [string, string])[]
  /** Files that it reads or writes where nobody says otherwise, and what they are. */
  readonly files?: Readonly<Record<string, string>>
  /** Lines; three examples at most. */
  readonly examples?: readonly string[]
  /** Stands below all that: exit codes, for instance. */
  readonly epilogue: string
}
