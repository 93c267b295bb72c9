import type { Context } from '../base/context.ts'
import type { Command } from './command.ts'
import type { ExitStatus } from './exit-status.ts'
import type { ForwardedSignal } from './signals.ts'

/** How a command is started. */
export interface Launch {
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  /** An entry of that environment (`NAME=value`) that tells the command's processes from all others. */
  readonly marker: string
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
  /** TERM, `graceMs` of time, KILL. For the group and what left it; settles with whether all are gone. */
  stop(ctx: Context, graceMs: number): Promise<boolean>
}
