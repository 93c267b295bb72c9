import assert from 'node:assert'
import { AbortReason } from '../base/abort.ts'
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
export class Loss extends AbortReason {
  readonly kind: LossKind

  constructor(kind: LossKind, sentence: string) {
    super(sentence)
    this.kind = kind
  }
}

/** Whether this ended work because a lock was lost. */
export function isLoss(reason: unknown): reason is Loss {
  return reason instanceof Loss
}

/** Calls `onLost` with the loss that a hold tells of, at once if it has done so. */
export function whenLost(lost: AbortSignal, onLost: (loss: Loss) => void): void {
  const tell = () => onLost(lossIn(lost))
  if (lost.aborted) tell()
  else lost.addEventListener('abort', tell, { once: true })
}

/** The loss that a hold has told of by this signal. */
export function lossIn({ reason }: AbortSignal): Loss {
  assert(isLoss(reason), 'a hold tells of losses alone')
  return reason
}

/** The lease is over: who goes on now might not be alone. */
export const DEADLINE_PASSED = new Loss(
  'deadline',
  'the session could not be renewed in time, so the lock is no longer safe',
)

/** Nobody would end the command in our place any more: a lock that can't be guarded is given up. */
export function unguarded({ reason }: AbortSignal): Loss {
  return new Loss('unguarded', messageOf(reason))
}

/** What has become of the lock, as people say it: one that was given up has been ours to the end. */
export function fateOf({ kind }: Loss): 'given up' | 'lost' {
  return kind === 'unguarded' ? 'given up' : 'lost'
}
