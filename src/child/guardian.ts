import type { Marker } from './marker.ts'

/** What is ended: a process group; or, while that is about to begin and has no number yet, all that has the marker. */
export type GuardedGroup = number | Marker

/** A tiny process that outlives us: should we be killed or stopped, it ends the command and gives the lock back. */
export interface Guardian {
  /** Settles when it can be relied on; rejects with the reason of `failed`. Nothing to be guarded may begin before. */
  ready(): Promise<void>
  /** Tells which session it is to give up in our place. */
  setSession(session: string): void
  /**
   * Has it end the group (if there is one) and give the lock back when we die, or don't say so again within `ms`
   * milliseconds. KILL follows TERM by the grace, and those `ms` by `restMs` at the most, which is the grace by
   * default.
   */
  arm(group: GuardedGroup | 'none', ms: number, restMs?: number): void
  /**
   * The command has ended, by this word (letters, digits) if there is one; only the lock is left to give back. Must
   * come before the group's id can be used again.
   */
  disarm(ended?: string): void
  /**
   * The command has ended, and so do we: the lock is the guardian's to give back, as soon as Consul answers. Nobody
   * waits for that, so it lets go of our standard error.
   */
  handOver(): void
  /** Nothing is left to do. */
  dismiss(): void
  /** Aborts when there is no guardian any more, and none could be started; the reason is a `Failure`. */
  readonly failed: AbortSignal
}

/** For those who want none. */
export const NO_GUARDIAN: Guardian = {
  async ready() {},
  setSession() {},
  arm() {},
  disarm() {},
  handOver() {},
  dismiss() {},
  failed: new AbortController().signal,
}
