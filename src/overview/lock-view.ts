import type { Pause } from '../lock/pause.ts'
import type { RunEntry } from '../run/history/runs-record.ts'

/**
 * What stands at a key: a plain lock (`--also` makes several of them); slots; readers, while some are in; an
 * application's leader; or something that is no lock, where one of that name would stand.
 */
export type LockKind = 'lock' | 'slots' | 'readers' | 'leader' | 'data'

/** A process that holds a lock, or waits for one, as far as it is told. What others wrote: print it `printable`. */
export interface LockProcess {
  readonly host?: string
  readonly user?: string
  readonly pid?: number
  /** The program, and its arguments if they were to be recorded. */
  readonly command?: readonly string[]
  /** Since when it holds, or waits, in milliseconds since 1970, by its machine's clock. */
  readonly sinceMs?: number
  readonly session: string
}

export interface HolderView extends LockProcess {
  readonly runId?: string
  /** How long Consul keeps the lock closed should this holder's session die. */
  readonly lockDelayMs?: number
  /** It grows from holder to holder. */
  readonly fence: number
  /** It is kept by `hold`, without a command. */
  readonly isKept: boolean
  /** Of an application's leader: whether it has made the application a master. */
  readonly isPromoted?: boolean
}

export interface WaiterView extends LockProcess {
  /** It waits for other locks, too, and takes all of them or none. */
  readonly isForMore: boolean
}

/** What keeps a lock closed whose holder was cut off. */
export interface Closure {
  /** How many of its places; 1 of a plain lock. */
  readonly places: number
  /** When it opens at the latest, in milliseconds since 1970. */
  readonly untilMs: number
}

/** A pause that is on; without `pause` nobody can read its end, and it lasts until somebody ends it. */
export interface PauseView {
  readonly pause?: Pause
}

/** What is known of the runs under a lock; `unreadable` when what stands there is no history. */
export type LockRuns =
  | {
      /** The one that was the last to end. */
      readonly last?: RunEntry
      readonly success?: RunEntry
      readonly failure?: RunEntry
      /** The last of the recorded ones that lost the lock. */
      readonly lost?: RunEntry
      /** Those that are recorded, the newest last; only when they were asked for. */
      readonly ended?: readonly RunEntry[]
    }
  | 'unreadable'

/** All that stands in Consul about one lock. */
export interface LockView {
  /** As it stands behind `consul-locker`; of a key without a name, that key. */
  readonly name: string
  /** Of slots, the key of their list. */
  readonly key: string
  readonly kind: LockKind
  /** How many may hold it at a time; of readers there is no limit. */
  readonly limit: number
  /** In the order in which they came. */
  readonly holders: readonly HolderView[]
  /** In their order. */
  readonly waiters: readonly WaiterView[]
  /** It is closed now. */
  readonly closure?: Closure
  /** Its last holder never gave it back: the host, as far as it is told. */
  readonly left?: { readonly host?: string }
  /** A rollout's slot that is kept for this host without a session. */
  readonly reservedFor?: string
  /** It is paused by its own key; see `LocksView.pause` for that of all locks. */
  readonly pause?: PauseView
  readonly runs: LockRuns
  /** What stands there and can't be read, in words for people. */
  readonly trouble?: string
}

/** All locks that were asked for, by their names. */
export interface LocksView {
  readonly locks: readonly LockView[]
  /** All locks are paused. */
  readonly pause?: PauseView
  /** What the token may not see, in sentences for people; nothing when it sees all. */
  readonly unseen: readonly string[]
  /** When this was read, by this machine's wall clock. */
  readonly atMs: number
}

/** In one word, how a lock is: the first of these that is so. */
export const LOCK_CONDITIONS = ['held', 'closed', 'paused', 'reserved', 'left', 'data', 'free'] as const
export type LockCondition = (typeof LOCK_CONDITIONS)[number]

/** How a lock is; `isAllPaused` is `LocksView.pause`. */
export function conditionOf(lock: LockView, isAllPaused: boolean): LockCondition {
  if (lock.holders.length > 0) return 'held'
  if (lock.closure) return 'closed'
  if (lock.kind === 'data') return 'data'
  if (lock.pause || (isAllPaused && areRuns(lock))) return 'paused'
  if (lock.reservedFor !== undefined) return 'reserved'
  return lock.left ? 'left' : 'free'
}

/** Whether it is runs that take it: leaders, rollouts and switches heed no pause. */
function areRuns({ kind, key }: LockView): boolean {
  return kind !== 'leader' && !/^consul-locker-(?:rollout|switchover)[/]/.test(key)
}
