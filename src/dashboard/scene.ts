/**
 * All that can be shown, as JSON. All instants are milliseconds since 1970. Texts are what others wrote: the page shows
 * them as texts, and nothing else.
 */

/** How a run ended, or that it hasn't. */
export type BarState = 'ok' | 'failed' | 'lost' | 'unknown' | 'running'

/** One run in the timeline. */
export interface Bar {
  readonly id: string
  readonly host: string
  readonly user?: string
  readonly command?: string
  readonly startMs: number
  /** Absent while it runs, and when nobody knows. */
  readonly endMs?: number
  readonly state: BarState
  /** `exit 1`, `lock lost` */
  readonly how: string
  readonly waitedMs?: number
}

/** Somebody who holds a lock, or waits for one. */
export interface Person {
  readonly session: string
  readonly host?: string
  readonly user?: string
  readonly pid?: number
  readonly command?: string
  readonly sinceMs?: number
}

export interface ShownHolder extends Person {
  readonly fence: number
  /** How long the lock stays closed should this session die. */
  readonly lockDelayMs?: number
  /** It is kept by `hold`. */
  readonly isKept: boolean
  /** The names of other locks that go with its session. */
  readonly others: readonly string[]
}

export interface PauseOn {
  readonly untilMs?: number
  readonly by?: string
  readonly reason?: string
}

/** A lock, as a row of the table. */
export interface LockRow {
  readonly key: string
  readonly name: string
  readonly kind: 'lock' | 'slots' | 'readers' | 'leader' | 'data'
  readonly state: 'held' | 'closed' | 'paused' | 'reserved' | 'left' | 'data' | 'free'
  /** How many may hold it; absent where there is no limit. */
  readonly limit?: number
  /** The first of them; `holding` are all. */
  readonly holders: readonly ShownHolder[]
  readonly holding: number
  /** The first in line; `waiting` are all. */
  readonly waiters: readonly Person[]
  readonly waiting: number
  readonly closedUntilMs?: number
  /** The host whose run never gave it back. */
  readonly left?: string
  readonly reservedFor?: string
  readonly pause?: PauseOn
  /** Oldest first. */
  readonly bars: readonly Bar[]
  readonly trouble?: string
}

/** An agent of an application's cluster. */
export interface Member {
  readonly node: string
  readonly address: string
  readonly role: string
  readonly health: string
  readonly message: string
  readonly priority: number
  readonly isDisabled: boolean
  readonly maintenanceUntilMs?: number
  readonly reinit?: string
}

/** An application with a leader. */
export interface LeaderRow {
  readonly name: string
  readonly master?: { readonly node: string; readonly address: string; readonly sinceMs?: number }
  readonly isPromoting: boolean
  readonly members: readonly Member[]
  /** What is switched for all of it, and what is to come, in sentences. */
  readonly notes: readonly string[]
  readonly reigns: readonly Bar[]
}

export interface SwitchNode {
  readonly node: string
  readonly datacenter?: string
  readonly direction: 'promote' | 'demote'
  /** `NULL`, `START` or `WAIT`. */
  readonly flag: string
  /** What the node told of that. */
  readonly outcome?: 'done' | 'failed'
  readonly note?: string
  readonly isSkipped: boolean
}

/** A switch of roles under way, or flags that are raised without one. */
export interface SwitchRow {
  readonly service: string
  readonly by?: string
  readonly sinceMs?: number
  /** It is being undone. */
  readonly isBack: boolean
  readonly why?: string
  readonly nodes: readonly SwitchNode[]
  readonly trouble?: string
}

export interface RolloutHost {
  readonly host: string
  readonly state: 'done' | 'upgrading' | 'rebooting' | 'failed' | 'waiting'
  readonly version?: string
  readonly sinceMs?: number
  readonly why?: string
  /** What pauses it: `global`, `role/web`, `host/web1`. */
  readonly pausedBy?: string
}

export interface RolloutRow {
  /** The folder of its keys, unless it has none. */
  readonly prefix?: string
  readonly version: string
  readonly isForced: boolean
  readonly hosts: readonly RolloutHost[]
  /** Words that pause: `global`, `role/web`. */
  readonly pauses: readonly string[]
  readonly trouble?: string
}

/** All that is known at one moment. */
export interface Scene {
  readonly locks: readonly LockRow[]
  /** These three are absent until they have been read. */
  readonly leaders?: readonly LeaderRow[]
  readonly switches?: readonly SwitchRow[]
  readonly rollouts?: readonly RolloutRow[]
  /** All locks are paused. */
  readonly pause?: PauseOn | undefined
  /** What the token may not see, in sentences. */
  readonly unseen: readonly string[]
  /** Why nothing newer is known, since when. */
  readonly trouble?: { readonly text: string; readonly sinceMs: number }
  /** Consul has been read at least once. */
  readonly isKnown: boolean
}

export const EMPTY_SCENE: Scene = { locks: [], unseen: [], isKnown: false }
