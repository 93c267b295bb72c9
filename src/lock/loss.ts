import { messageOf } from '../base/failure.ts'

/**
 * How a lock left us:
 * - `session-gone`: Consul doesn't know our session any more
 * - `deadline`: no renewal came through in time; Consul may give the lock away soon
 * - `key-taken`: somebody else holds the key
 * - `key-released`: the key is there, but our session doesn't hold it
 * - `unguarded`: we gave it up, for no guardian could be kept alive
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

/** Nobody would end the command in our place any more: a lock that can't be guarded is given up. */
export function unguarded({ reason }: AbortSignal): Loss {
  return { kind: 'unguarded', sentence: messageOf(reason) }
}

/** What has become of the lock, as people say it: one that was given up has been ours to the end. */
export function fateOf({ kind }: Loss): 'given up' | 'lost' {
  return kind === 'unguarded' ? 'given up' : 'lost'
}
