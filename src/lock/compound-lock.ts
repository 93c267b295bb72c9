import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { ClaimResult, LockRequest } from './claim.ts'
import type { Loss } from './loss.ts'
import type { Line } from './waiting-line.ts'

/** Who is in the way of a claim, as people are told. */
export interface Blocker extends Entry {
  /** Which lock that is, where several are at stake. */
  readonly name?: string
  /** How many hold it beside this one. */
  readonly others?: number
}

/** What a look at a lock has shown, and the index to wait from. */
export interface LockReading {
  /** What keeps us out, or what is ours already; `undefined` when a claim is worth a try. */
  readonly entry: Blocker | undefined
  /** Others hold it, which keeps some out though not us: those before us don't leave it idle. */
  readonly isShared?: boolean
  readonly index: number
}

/** From where a look waits for a change, and for how long. */
export interface LookFrom {
  readonly index: number
  readonly waitMs: number
}

/** A key that is watched for as long as something is held. */
export interface WatchedKey {
  readonly key: string
  /** The index from which a watch misses nothing. */
  readonly fromIndex: number
  /**
   * What it means that this stands there: all is well; what is ours was deleted, and may be claimed anew; it was
   * released in our name; or it is lost.
   */
  judge(entry: Entry | undefined): 'ours' | 'deleted' | 'released' | Loss
}

/** One session's way to a lock. It remembers what it saw last, and claims only if that is still so. */
export interface Claimable {
  /** Looks at once, or when something changes. Throws a `usage` failure when what stands there is something else. */
  look(ctx: Context, from: LookFrom): Promise<LockReading>
  /** Tries once, as `claim` does. What is ours already is looked at again, and stays so. */
  claim(
    ctx: Context,
    request: LockRequest,
    isOurs: boolean,
    queueing: readonly TxnOp[],
    riding: readonly TxnOp[],
  ): Promise<ClaimResult>
}

/**
 * A lock of more than one key, as one session wants it: a place in a list of holders, or several locks at once.
 */
export interface CompoundLock extends Claimable {
  /** The key that our session holds while it is ours; its ModifyIndex is the fence. */
  readonly key: string
  /** Where one stands in line for it, when that isn't the queue of the lock's key. */
  readonly line?: Line
  /** What is to be watched beside that key since it was won under this fence. */
  watched(fence: number): readonly WatchedKey[]
  /** What a command under it may want to know, beside what it knows of a plain lock. */
  environment?(fence: number): Readonly<Record<string, string>>
  /** Gives back what is ours, as `releaseKey` does. Settles with whether it was. */
  release(ctx: Context, ridingOf?: RidingOf): Promise<boolean>
}

/** What is done in the transaction that gives something back; asked before each try. */
export type RidingOf = (ctx: Context) => Promise<readonly TxnOp[]>

/** Makes the compound lock of one session; `ancestors` are the sessions of the runs around it. */
export type CompoundLockOf = (consul: Consul, sessionId: string, ancestors: readonly string[]) => Promise<CompoundLock>

/** How a lock is claimed once its claim has met this entry of a semaphore; `undefined` when that is in the way. */
export type AmongHolders = (consul: Consul, met: Entry, ancestors: readonly string[]) => Promise<Claimable | undefined>
