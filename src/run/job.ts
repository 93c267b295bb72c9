import type { Child } from '../child/child.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import type { ForwardedSignal, SignalSource } from '../child/signals.ts'
import type { Consul } from '../consul/consul.ts'
import type { Timing } from '../lock/deadline.ts'
import type { Loss } from '../lock/loss.ts'

/** One command to be run under one lock. */
export interface Job {
  readonly name: string
  readonly key: string
  readonly command: readonly [string, ...string[]]
  readonly timing: Timing
  /** How long to wait for the lock, in milliseconds; 0: not at all. */
  readonly waitMs: number
  readonly environment: NodeJS.ProcessEnv
  readonly runId: string
}

/** What a run needs of the world; simulation brings its own. */
export interface World {
  readonly consul: Consul
  readonly signals: SignalSource
  /** Starts the job's command. */
  launch(environment: NodeJS.ProcessEnv): Promise<Child>
  /** Who we are, for the holder record. */
  readonly self: { readonly host: string; readonly pid: number; readonly user: string }
}

/** How a run ended, when nothing failed. */
export type Outcome =
  | { readonly kind: 'ran'; readonly status: ExitStatus }
  | { readonly kind: 'busy' }
  | { readonly kind: 'interrupted'; readonly signal: ForwardedSignal }
  | { readonly kind: 'lost'; readonly loss: Loss }

/** An outcome, with what a report tells beside it. */
export interface Result {
  readonly outcome: Outcome
  /** The last fencing token; absent when the lock was never ours. */
  readonly fence?: number
  readonly waitedMs: number
  readonly ranMs?: number
}
