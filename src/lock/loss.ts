/**
 * How a lock left us:
 * - `session-gone`: Consul doesn't know our session any more
 * - `deadline`: no renewal came through in time; Consul may give the lock away soon
 * - `key-taken`: somebody else holds the key
 * - `key-released`: the key is there, but our session doesn't hold it
 * - `unguarded`: no guardian could be kept alive
 */
export type LossKind = 'session-gone' | 'deadline' | 'key-taken' | 'key-released' | 'unguarded'

/** The reason of the signal that tells of a loss. */
export interface Loss {
  readonly kind: LossKind
  /** One sentence, without a full stop. */
  readonly sentence: string
}

/** The lease is over: who goes on now might not be alone. */
export const DEADLINE: Loss = {
  kind: 'deadline',
  sentence: 'the session could not be renewed in time, so the lock is no longer safe',
}

/** Nobody would end the command in our place: a lock that can't be guarded is treated as lost. */
export const UNGUARDED: Loss = { kind: 'unguarded', sentence: 'no guardian could be kept alive' }
