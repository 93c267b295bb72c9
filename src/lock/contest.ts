import type { Context } from '../base/context.ts'
import type { Stake } from './claim.ts'
import type { Timing } from './deadline.ts'
import type { Session } from './session.ts'

/** A request that may have an effect is given this long to end when nobody waits for it any more. */
export const LINGER_MS = 1000

/** The reason of a signal that ends a wait because its time is over. */
export const WAIT_OVER = Symbol('the time to wait is over')

/** What somebody contends for, and how. */
export interface Contest {
  /** The lock's name, for people. */
  readonly name: string
  readonly key: string
  /** Nobody else's. */
  readonly sessionName: string
  /** The holder record of who gets the lock now, ready to be stored. */
  readonly record: (nowMs: number) => string
  readonly timing: Timing
  /** Checks that its sessions depend on; serfHealth alone unless it is told. */
  readonly checks?: readonly string[]
  /** Gives up at once when the lock isn't free, and at the first trouble. */
  readonly once: boolean
  /** Sessions of the runs around this one: a lock that one of these holds will never be free for us. */
  readonly ancestors: readonly string[]
  /** Hears of each session that may come to hold the lock, before it can. */
  readonly onSession: (id: string) => void | Promise<void>
}

/** A lock that is ours. */
export interface Held {
  readonly session: Session
  readonly stake: Stake
  readonly fence: number
}

/** Does a task, and again if the contest allows it and trouble passes. */
export type Persist = <T>(ctx: Context, task: () => Promise<T>) => Promise<T>
