import { AbortReason } from '../base/abort.ts'
import type { Entry } from '../consul/kv.ts'
import type { LockRequest } from './claim.ts'
import type { AmongHolders, CompoundLock, CompoundLockOf } from './compound-lock.ts'
import type { HandOff } from './hand-off.ts'
import type { Timing } from './lease-timing.ts'
import type { Advice, Rider } from './rider.ts'
import type { Session } from './session.ts'

/** A request that may have an effect is given this long to end after the signal aborted. */
export const ABORT_GRACE_MS = 1000

/** The reason of a signal that ends a wait because its time is over. */
export const WAIT_OVER = new AbortReason('the time to wait is over')

/** The reason of a signal that ends a wait because nobody wants the lock any more. */
export const UNWANTED = new AbortReason('nobody wants the lock any more')

/** Which lock is wanted, and by whom. */
export interface LockSpec {
  /** The lock's name, for people. */
  readonly name: string
  readonly key: string
  /** Nobody else's: by it a session is found whose creation was never answered. */
  readonly sessionName: string
  /** The record of whoever gets the lock now, ready to be stored; `seen` is the key as it was seen last. */
  readonly record: (nowMs: number, seen?: Entry) => string
  readonly timing: Timing
  /** What is claimed, if it isn't the plain lock of that key. */
  readonly compound?: CompoundLockOf
  /** How the plain lock is claimed among readers; without it they are in the way for ever. */
  readonly amongHolders?: AmongHolders
  /** What becomes of the keys of a session that dies; they are released unless it is told. */
  readonly behavior?: 'release' | 'delete'
  /** Checks that its sessions depend on; serfHealth alone unless it is told. */
  readonly checks?: readonly string[]
  /** It may go from one holder to the next without being free in between; plain locks only. */
  readonly handsOn?: boolean
  /** Sessions of the runs around this one: a lock that one of these holds will never be free for us. */
  readonly ancestors: readonly string[]
  /** What is done in the transactions that take it and give it back. */
  readonly riders?: readonly Rider[]
}

/** How a lock is waited for, too. */
export interface AcquireOptions extends LockSpec {
  /** Gives up at once when the lock isn't free, and at the first failure. */
  readonly once: boolean
  /** For so long it is waited for, as people are told in an outage; the signal ends it. */
  readonly waitMs?: number | undefined
  /** Hears of each session that may come to hold the lock, before it can. */
  readonly onSession: (id: string) => void | Promise<void>
  /** Hears why the lock isn't ours yet, in words for people: at once, when that changes, and once a minute. */
  readonly onWaiting?: (sentence: string) => void
}

/** A lock that is ours. */
export interface HeldLock extends LockRequest {
  readonly session: Session
  readonly fence: number
  readonly riders: readonly Rider[]
  /** What it is, if it isn't a plain lock. */
  readonly compound?: CompoundLock
  /** Hands it to the next in line; `undefined` while it isn't worth looking whether somebody waits. */
  readonly handOff?: () => HandOff | undefined
}

/** Why a lock isn't ours; people have been told. */
export type NotHeld = Exclude<Advice, 'go' | 'line'>
