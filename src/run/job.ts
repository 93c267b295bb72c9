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
  readonly timing: Timing
  /** How long to wait for the lock, in milliseconds; 0: not at all. */
  readonly waitMs: number
  /** Keeps the lock until the command's whole group has ended, not just the command. */
  readonly waitGroup: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly runId: string
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
  publish(lease: () => Lease): Disposable
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
