import type { Context } from '../../base/context.ts'
import type { RaisableSignals } from '../../child/signals.ts'
import type { OutputOptions } from '../options/output-options.ts'
import type { Syntax } from '../syntax/command-syntax.ts'

/** What the process was started with, and what a command makes of it. */
export interface Invocation {
  /** The words behind the program's name, or behind the command's word. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly signals: RaisableSignals
  /** The context of a command with these options; from then on we talk the way they ask. */
  context(options: OutputOptions): Context
}

/** Does what was asked for. Settles with the exit code. */
export type Perform = (invocation: Invocation) => Promise<number>

/** A command of ours, and what it understands. */
export interface Subcommand {
  readonly syntax: Syntax
  readonly perform: Perform
}
