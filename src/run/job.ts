import type { Context } from '../base/context.ts'
import type { Child, Launch } from '../child/child.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import type { Guardian } from '../child/guardian.ts'
import type { ForwardedSignal, SignalSource } from '../child/signals.ts'
import type { Consul } from '../consul/consul.ts'
import type { Timing } from '../lock/deadline.ts'
import type { Loss } from '../lock/loss.ts'
import type { Lease } from './lease-socket.ts'

/** One command to be run under one lock. */
export interface Job {
  readonly name: string
  readonly key: string
  readonly command: readonly [string, ...string[]]
  /** What others may know of it: it stands in the holder record and in the report. */
  readonly recorded: readonly string[]
  readonly timing: Timing
  /** How long to wait for the lock, in milliseconds; 0: not at all. */
  readonly waitMs: number
  /** Keeps the lock until the command's whole group has ended, not just the command. */
  readonly waitGroup: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly runId: string
  /** By this the run's processes are known; unlike the run's id it is told to nobody else. */
  readonly mark: string
}

/** What a run needs of the world; simulation brings its own. */
export interface World {
  readonly consul: Consul
  readonly signals: SignalSource
  /** Starts the job's command. */
  launch(request: Omit<Launch, 'command'>): Promise<Child>
  /** Who ends the command and gives the lock back should we be killed. */
  readonly guardian: Guardian
  /** Answers the command's questions after its lock, until disposed. */
  publish(lease: () => Lease): Promise<Disposable>
  /** Waits for what must hold before the command starts; most runs have no such gates. */
  readonly gatesBefore?: AwaitGates
  /** Waits for what must hold before the lock is given up after the command's success. */
  readonly gatesAfter?: (ctx: Context) => Promise<readonly string[]>
  /** Who we are, for the holder record. */
  self(): { readonly host: string; readonly pid: number; readonly user: string }
}

/**
 * Waits for gates. Settles with what was missing at the end, in words for people; with nothing when all are open.
 * `timeoutMs` 0 looks once.
 */
export type AwaitGates = (ctx: Context, timeoutMs: number) => Promise<readonly string[]>

/**
 * How a run ended, when nothing failed:
 * - `unready`: the gates before it didn't open in time, and the command did not start
 * - `interrupted`: a signal ended the wait before or after the command
 * - `lost`: the lock left us; with a status when the command had ended with it before
 * - `unsettled`: the command succeeded, but the gates after it didn't open in time
 */
export type Outcome =
  | { readonly kind: 'ran'; readonly status: ExitStatus }
  | { readonly kind: 'busy' }
  | { readonly kind: 'unready'; readonly missing: readonly string[] }
  | { readonly kind: 'interrupted'; readonly signal: ForwardedSignal }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly status?: ExitStatus }
  | { readonly kind: 'unsettled'; readonly status: ExitStatus; readonly missing: readonly string[] }

/** An outcome, with what a report tells beside it. */
export interface Result {
  readonly outcome: Outcome
  /** The last fencing token; absent when the lock was never ours. */
  readonly fence?: number
  /** In whole milliseconds. */
  readonly waitedMs: number
  readonly ranMs?: number
}
