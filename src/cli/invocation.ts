import type { Context } from '../base/context.ts'
import type { SignalSource } from '../child/signals.ts'
import type { Parsed } from './parse.ts'

/** What the process was started with, and what a command makes of it. */
export interface Invocation {
  /** The words behind the program's name, or behind the command's word. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly signals: SignalSource
  /** The context of a command with these options; from then on we talk the way they ask. */
  context(options: Parsed['options']): Context
}

/** A command of ours. Settles with the exit code. */
export type Command = (invocation: Invocation) => Promise<number>
