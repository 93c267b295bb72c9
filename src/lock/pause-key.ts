/** A key that pauses a lock, and what is known of it. */
export interface PauseKey {
  readonly key: string
  /** A pause that is over; whoever gets the lock clears away what is stale. */
  over?: { readonly index: number; readonly isStale: boolean } | undefined
  /** The token may make no condition of it, and it is read before each try. */
  isOnlyRead?: boolean
}
