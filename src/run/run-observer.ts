import type { Context } from '../base/context.ts'
import type { Failure } from '../base/failure.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import type { Loss } from '../lock/loss.ts'
import type { RunResult } from './run-outcome.ts'

/**
 * Hears how a run gets on; hooks, pings, metrics and systemd's notifications are such. Phases come in this order:
 * `waiting` any number of times, then, when the lock is won, `acquired`, `started`, `renewed` now and then, `lost` at
 * most once, `ended`, `released`; `finished` is the last one of every run. One that never had the lock has only
 * `waiting` and `finished`; one whose command could not be started, no `started`.
 *
 * The run never waits for an observer, for TERM, renewals and the release must not: a call returns at once, and
 * doesn't throw. What takes time is done in the background, has a bound of its own, and is waited for in `settled`.
 */
export interface RunObserver {
  /** The lock isn't free, for this reason; again when that changes, and once a minute. */
  waiting?(sentence: string): void
  /** The lock is ours, and the command is about to start. */
  acquired?(held: HeldLock): void
  /** The command runs. */
  started?(): void
  /** The session was renewed while the command ran, or while the lock was held for what comes after it. */
  renewed?(): void
  /** The lock is lost or given up, and the command has been told to end. */
  lost?(loss: Loss): void
  /** Nothing of the command runs that we know of, and the lock is about to be given back. */
  ended?(): void
  /** The lock is given back; if `isBack` is false, it was lost, or is free when the session expires. */
  released?(isBack: boolean): void
  /** The run is over, by a result or a failure; only our exit is left. */
  finished?(end: RunResult | Failure): void
  /**
   * Settles when nothing is under way any more of what it does in the background; never rejects. When the context's
   * signal aborts, somebody wants us to leave, and it comes to an end soon.
   */
  settled?(ctx: Context): Promise<void>
}

const PHASES = ['waiting', 'acquired', 'started', 'renewed', 'lost', 'ended', 'released', 'finished'] as const

/** One observer that passes on to all of these what it hears, in their order. */
export function allOf(observers: readonly RunObserver[]): RunObserver {
  const passOn = (phase: (typeof PHASES)[number]) => (heard: never) => {
    for (const observer of observers) observer[phase]?.(heard)
  }
  return {
    ...Object.fromEntries(PHASES.map((phase) => [phase, passOn(phase)])),
    async settled(ctx) {
      await Promise.all(observers.map((observer) => observer.settled?.(ctx)))
    },
  }
}
