import type { Context } from '../base/context.ts'
import type { Child, LaunchRequest } from '../child/child.ts'
import type { Guardian } from '../child/guardian.ts'
import type { RaisableSignals, SignalSource } from '../child/signals.ts'
import type { Consul } from '../consul/consul.ts'
import type { HeldLock, LockSpec } from '../lock/acquire-options.ts'
import type { Hold } from '../lock/hold.ts'
import type { RunsRider } from './history/runs-rider.ts'
import type { holdFor } from './hold-at-least.ts'
import type { LeaseStatus } from './lease-socket.ts'
import type { RunObserver } from './run-observer.ts'
import type { CommandEnd, RunOutcome } from './run-outcome.ts'

/** One command to be run under one lock. */
export interface RunSpec {
  readonly lock: LockSpec
  readonly command: readonly [string, ...string[]]
  /** What others may know of it: it stands in the holder record and in the report. */
  readonly recorded: readonly string[]
  /** How long to wait for the lock, in milliseconds; 0: not at all. */
  readonly waitMs: number
  /** Keeps the lock until the command's whole group has ended, not just the command. */
  readonly waitGroup: boolean
  /** How long the command may run, in milliseconds, and what tells it to end then; as long as it likes by default. */
  readonly timeLimit?: { readonly ms: number; readonly signal: NodeJS.Signals }
  /** What tells the command to end when the lock is lost; TERM by default. */
  readonly lossSignal?: NodeJS.Signals
  /** Keeps the lock for so long, however quick the command is; in milliseconds from when it was won. */
  readonly holdAtLeastMs?: number | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly runId: string
  /** By this the run's processes are known; unlike the run's id it is told to nobody else. */
  readonly mark: string
  /**
   * The one of the lock's riders that keeps its history: it hears how the command ended before the lock is given back.
   */
  readonly history?: RunsRider
}

/** What of a run is told to those who wait for its lock; a lock is kept without a command, too. */
export type WaitSpec = Pick<RunSpec, 'lock' | 'waitMs'>

/** What a run needs from outside; simulation brings its own. */
export interface RunDependencies {
  readonly consul: Consul
  readonly signals: RaisableSignals
  /** Starts the run's command. */
  launch(request: Omit<LaunchRequest, 'command'>): Promise<Child>
  /** Who ends the command and gives the lock back should we be killed. */
  readonly guardian: Guardian
  /** Answers the command's questions after its lock, until disposed. */
  serveLease(lease: () => LeaseStatus): Promise<Disposable>
  /** Hears how the run gets on; of most runs nobody does. */
  readonly observer?: RunObserver
  /** Waits for what must hold before the command starts; most runs have no such gates. */
  readonly startGates?: AwaitGates
  /** Has the run contend for its lock only while something holds; most runs contend whatever there is. */
  readonly contend?: Contend
  /** Does what must be done between the lock and the command; settles with how the run ends if it can't be. */
  readonly prepare?: (ctx: Context, held: HeldLock, hold: Hold) => Promise<CommandEnd | undefined>
  /** Keeps the lock after the command's end for as long as `holdAtLeastMs` asks; only runs with that have it. */
  readonly holdFor?: typeof holdFor
  /** Waits for what must hold before the lock is given up after the command's success. */
  readonly releaseGates?: (ctx: Context) => Promise<readonly string[]>
}

/** What waiting for the lock needs of that. */
export type WaitDependencies = Pick<RunDependencies, 'consul' | 'guardian' | 'observer' | 'contend'> & {
  readonly signals: SignalSource
}

/**
 * Attempts to get a lock while something holds, and anew when it holds again. Settles as the attempt, or with what was
 * missing when the wait was over; `once` looks once.
 */
export type Contend = <T>(
  ctx: Context,
  once: boolean,
  attempt: (ctx: Context) => Promise<T>,
) => Promise<T | Extract<RunOutcome, { kind: 'unready' }>>

/**
 * Waits for gates. Settles with what was missing at the end, in words for people; with nothing when all are open.
 * `timeoutMs` 0 looks once.
 */
export type AwaitGates = (ctx: Context, timeoutMs: number) => Promise<readonly string[]>
