import type { Context } from '../base/context.ts'
import type { Executable } from './executable.ts'
import type { ExitStatus } from './exit-status.ts'
import type { ForwardedSignal } from './signals.ts'

/** How a command is started. */
export interface LaunchRequest {
  readonly command: Executable
  readonly environment: NodeJS.ProcessEnv
  /**
   * An entry of that environment (`NAME=value`) that tells the command's processes from all others; none when what
   * leaves its group and session is meant to stay.
   */
  readonly marker: string | undefined
  /** Descriptors that it gets as its standard output and error, instead of ours. */
  readonly streams?: OutputStreams
}

/** Where a command writes to. */
export interface OutputStreams {
  readonly stdout: number
  readonly stderr: number
}

/** A running command with its process group. Simulation has another one. */
export interface Child {
  /** Settles when the command itself has ended; the rest of its group may still run. */
  readonly exited: Promise<ExitStatus>
  /** The id of the command's process group, which is that of its first process. */
  readonly group: number
  /** Passes a signal on to the group. */
  forward(signal: ForwardedSignal): void
  /** Ends the group at once. */
  kill(): void
  /** Settles once nothing of the command's group runs any more. */
  emptied(ctx: Context): Promise<void>
  /**
   * TERM, or another signal, `graceMs` of time, KILL. For the group and what left it; settles with whether all are
   * gone.
   */
  stop(ctx: Context, graceMs: number, signal?: NodeJS.Signals): Promise<boolean>
}
