import type { SignalSource } from '../child/signals.ts'

/** What the process was started with. */
export interface Invocation {
  /** The words behind the program's name. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly signals: SignalSource
}
