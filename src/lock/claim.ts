import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { LOCK_FLAGS } from './keys.ts'

/**
 * What one try to get a lock gave: we hold it under this fence (the key's ModifyIndex, which only grows); somebody
 * holds it; Consul keeps it closed after a holder's death; others stand in line for it; or our own session is gone.
 */
export type Claim =
  | { readonly kind: 'held'; readonly fence: number }
  | { readonly kind: 'taken' | 'lock-delay' | 'in-line' | 'session-gone' }

/** What one lock is claimed with. */
export interface Stake {
  readonly key: string
  /** The holder record, as the key's value. */
  readonly value: string
  readonly sessionId: string
}

/**
 * Tries once to get the lock, and does these other steps with it or none. Trying again with the same session is
 * harmless: a lock that we hold stays ours.
 */
export async function claim(
  ctx: Context,
  consul: Consul,
  stake: Stake,
  besides: readonly KvStep[] = [],
): Promise<Claim> {
  const { key, value, sessionId } = stake
  const lock: KvStep = { verb: 'lock', key, value, flags: LOCK_FLAGS, session: sessionId }
  const outcome = await transact(ctx, consul, [lock, ...besides])
  if (outcome.done) {
    const entry = outcome.entries.find((entry) => entry.key === key)
    if (entry?.session !== sessionId) throw consul.strange('a lock without our session on it')
    return { kind: 'held', fence: entry.modifyIndex }
  }
  return { kind: refusal(outcome.reasons) }
}

// Consul's own words: agent/consul/txn_endpoint.go (preCheck) and agent/consul/state/txn.go.
function refusal(reasons: readonly string[]): Exclude<Claim['kind'], 'held'> {
  const reason = reasons.join('; ')
  if (/due to lock delay/i.test(reason)) return 'lock-delay'
  if (/already held/i.test(reason)) return 'taken'
  if (/invalid session|session .*not found|unknown session/i.test(reason)) return 'session-gone'
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
