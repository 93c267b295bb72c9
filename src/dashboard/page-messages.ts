/** What a page asks for, and what it is told of the scene, as JSON. */

import type { LeaderRow, LockRow, PauseOn, RolloutRow, Scene, SwitchRow } from './scene.ts'

/** Which locks a table shows: all, or those that need a look. */
export const FILTERS = ['all', 'held', 'waiting', 'failed', 'paused'] as const
export type Filter = (typeof FILTERS)[number]

/** In which order. */
export const SORTINGS = ['name', 'longest', 'waiting', 'latest'] as const
export type Sorting = (typeof SORTINGS)[number]

/** What one page looks at. */
export interface PageQuery {
  readonly filter: Filter
  /** In the name, or in host, user or command of the holder. */
  readonly search: string
  readonly order: Sorting
  /** From 0. */
  readonly page: number
}

/** How many locks a filter would show, of those that are searched for. */
export type Counts = Readonly<Record<Filter, number>>

/** What a page is told at its start. */
export interface Hello {
  readonly mayUnlock: boolean
  /** Proves with a POST that it comes from this page. */
  readonly pageKey: string
  /** There is something to sign out of. */
  readonly isSignedIn: boolean
}

export interface Summary {
  readonly counts: Counts
  /** The tabs beside the locks. */
  readonly leaders: number
  readonly switches: number
  readonly rollouts: number
  readonly pause?: PauseOn
  readonly unseen: readonly string[]
  readonly trouble?: Scene['trouble']
  readonly isKnown: boolean
}

/** The keys of the locks that a page shows now. */
export interface Listing {
  readonly keys: readonly string[]
  /** The place of the first one among all, from 0. */
  readonly from: number
  /** How many there are on all pages. */
  readonly matching: number
  readonly page: number
  readonly pages: number
}

/** What has changed for one page. What isn't there is as it was. */
export interface News {
  /** The server's clock. */
  readonly nowMs: number
  readonly hello?: Hello
  readonly summary?: Summary
  readonly listing?: Listing
  /** Of those in the listing, the ones that are new or have changed. */
  readonly rows?: readonly LockRow[]
  readonly leaders?: readonly LeaderRow[]
  readonly switches?: readonly SwitchRow[]
  readonly rollouts?: readonly RolloutRow[]
}

/** What a page asks to have unlocked: what it showed. */
export interface UnlockRequest {
  /** Of the row. */
  readonly key: string
  /** Of the holder, and what was shown to go with it. */
  readonly session: string
  readonly others: readonly string[]
}
