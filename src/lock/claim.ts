import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { checkIsLock, LOCK_FLAGS } from './keys.ts'

/**
 * What one try to get a lock gave: we hold it under this fence (the key's ModifyIndex, which only grows); somebody
 * holds it; Consul keeps it closed after a holder's death; the key isn't as it was seen; others stand in line for it;
 * or our own session is gone.
 */
export type Claim =
  | { readonly kind: 'held'; readonly fence: number }
  | { readonly kind: 'taken' | 'lock-delay' | 'changed' | 'in-line' | 'session-gone' }

/** How a key was seen last: as this entry, not there, or ours. */
export type Sight = Entry | undefined | 'ours'

/** What one lock is claimed with. */
export interface Stake {
  readonly key: string
  /** The holder record, as the key's value. */
  readonly value: string
  readonly sessionId: string
}

/**
 * Tries once to get the lock, and does these other steps with it or none. The key must still be as it was `seen`. For Consul's leader looks at a lock-delay before it writes a claim to the log, not
 * when the log's turn comes: without that condition, a claim that is under way when the holder's session dies gets the
 * lock at once, while the holder's command still runs (agent/consul/txn_endpoint.go, preCheck).
 * Throws a `usage` failure when what was seen is no lock.
 */
export async function claim(
  ctx: Context,
  consul: Consul,
  stake: Stake,
  seen: Sight,
  besides: readonly KvStep[] = [],
): Promise<Claim> {
  const { key, value, sessionId } = stake
  const condition = unchanged(stake, seen)
  const lock: KvStep = { verb: 'lock', key, value, flags: LOCK_FLAGS, session: sessionId }
  const outcome = await transact(ctx, consul, [condition, lock, ...besides])
  if (outcome.done) {
    const entry = outcome.entries.findLast((entry) => entry.key === key)
    if (entry?.session !== sessionId) throw consul.strange('a lock without our session on it')
    return { kind: 'held', fence: entry.modifyIndex }
  }
  const isChanged = outcome.failed.every((step) => step === condition)
  return { kind: refusal(outcome.reasons, isChanged) }
}

/** A lock that is ours already stays so, whatever became of its value. */
function unchanged({ key, sessionId }: Stake, seen: Sight): KvStep {
  if (seen === undefined) return { verb: 'check-not-exists', key }
  if (seen === 'ours' || seen.session === sessionId) return { verb: 'check-session', key, session: sessionId }
  checkIsLock(seen)
  return { verb: 'check-index', key, index: seen.modifyIndex }
}

// Consul's own words: agent/consul/txn_endpoint.go (preCheck) and agent/consul/state/txn.go.
function refusal(reasons: readonly string[], isChanged: boolean): Exclude<Claim['kind'], 'held'> {
  const reason = reasons.join('; ')
  if (/due to lock delay/i.test(reason)) return 'lock-delay'
  if (/already held/i.test(reason)) return 'taken'
  if (/invalid session|session .*not found|unknown session/i.test(reason)) return 'session-gone'
  if (reasons.length > 0 && isChanged) return 'changed'
  if (/key ".*" exists|index is stale/i.test(reason)) return 'in-line'
  throw new Failure('unavailable', `Consul doesn't give the lock: ${reason || 'no reason given'}`)
}

/** Gives the lock up if it is ours, and touches nothing if it isn't. Settles with whether it was. */
export async function giveUp(ctx: Context, consul: Consul, stake: Pick<Stake, 'key' | 'sessionId'>): Promise<boolean> {
  const { key, sessionId } = stake
  const outcome = await transact(ctx, consul, [
    { verb: 'check-session', key, session: sessionId },
    { verb: 'delete', key },
  ])
  return outcome.done
}
