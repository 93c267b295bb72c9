import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'

/** One try to get a lock, as its riders see it. */
export interface Attempt {
  /** The lock's key as it was seen last. */
  readonly seen: Entry | undefined
  /** We hold it already and claim it anew: nothing that happened since may refuse. */
  readonly isOurs: boolean
  /** This machine's wall clock. */
  readonly nowMs: number
}

/** The same before the try. */
export interface NextAttempt extends Attempt {
  readonly consul: Consul
  /** Who tries but once doesn't wait. */
  readonly once: boolean
  /** Tells people what is waited for. */
  readonly tell: (sentence: string) => void
}

/** Whether a try is worthwhile, or is so when we have stood in line. Who says no has told people why. */
export type Advice = 'go' | 'line' | 'busy' | 'skipped'

/**
 * What rides with a lock: conditions, reads and writes that are done in the very transaction by which it is taken, or
 * given back, so that no request is added. Each lock has riders of its own, which may remember things.
 */
export interface Rider {
  /**
   * Looks at, or waits for, what the next try needs; called before each of them, and once before there is a session.
   * Failures that pass are left to `retrying`.
   */
  prepare?(ctx: Context, attempt: NextAttempt, retrying: RetryPolicy): Promise<Advice>
  /** Done with the claim, or with it not. */
  claiming(attempt: Attempt): readonly TxnOp[]
  /** Some of these refused; `prepare` is asked again before the next try. */
  refused?(ops: readonly TxnOp[]): void
  /** The token may not do these, which are dispensable; `prepare` is asked again before the next try. */
  denied?(ops: readonly TxnOp[]): void
  /** The lock is ours: all entries that the transaction left or read. */
  granted?(entries: readonly Entry[]): void
  /**
   * The lock is ours since this time, in milliseconds since 1970, without a claim: what is to be read before `granted`.
   */
  handed?(nowMs: number): readonly TxnOp[]
  /** Reads anew what others may have written since, where several hold it. Called before each try to give it back. */
  beforeReleasing?(ctx: Context, consul: Consul): Promise<void>
  /**
   * Done with the release if Consul allows it, and left out if not: a release never fails for it. Also asked when the
   * lock is given back unused, or may be ours without our knowing.
   */
  releasing?(): readonly TxnOp[]
}
