import type { Context } from '../base/context.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import { type TxnOp, type TxnOutcome, transact } from '../consul/txn.ts'
import { checkIsLock, LOCK_FLAGS } from './lock-keys.ts'

/**
 * What one try to get a lock gave: we hold it under this fence (the key's ModifyIndex, which only grows), with all
 * entries that the transaction left or read; a rider's operations refuse, or the token may not do them; somebody holds
 * it; Consul keeps it closed after a holder's death; the key isn't as it was seen; others queue for it (`isQueued`,
 * whatever else there is, as far as Consul told); or our own session is gone.
 */
export type ClaimResult =
  | { readonly kind: 'held'; readonly fence: number; readonly entries: readonly Entry[] }
  | { readonly kind: 'refused'; readonly refused: readonly TxnOp[] }
  | { readonly kind: 'denied'; readonly denied: readonly TxnOp[] }
  | { readonly kind: WhyNot; readonly isQueued?: true }

type WhyNot = 'taken' | 'lock-delay' | 'changed' | 'queued' | 'session-gone'

/** Consul's verdicts on what rides with a release: it goes without. */
export const NOT_ALLOWED: readonly FailureCode[] = ['refused', 'rejected', 'too-large']

/** How a key was seen last: as this entry, not there, or ours. */
export type LastSeen = Entry | undefined | 'ours'

/** A key, and the session that holds it or is to hold it. */
export interface HeldKey {
  readonly key: string
  readonly sessionId: string
}

/** What one lock is claimed with. */
export interface LockRequest extends HeldKey {
  /** The holder record, as the key's value. */
  readonly value: string
}

/**
 * Tries once to get the lock, and does the queue's operations and the riders' with it or none. The key must still be as
 * it was `seen`: Consul's leader looks at a lock-delay before it writes a claim to the log, not when it applies the
 * log. Without that condition, a claim that is under way when the holder's session dies gets the lock at once, while
 * the holder's command still runs (agent/consul/txn_endpoint.go, preCheck). Throws a `usage` failure when what was seen
 * is no lock.
 */
export async function claim(
  ctx: Context,
  consul: Consul,
  request: LockRequest,
  seen: LastSeen,
  queueing: readonly TxnOp[] = [],
  riding: readonly TxnOp[] = [],
): Promise<ClaimResult> {
  return claimUnder(ctx, consul, request, LOCK_FLAGS, [unchanged(request, seen)], queueing, riding)
}

/** Tries once to lock a key, under conditions (or writes that have conditions) by which all is as it was seen. */
export async function claimUnder(
  ctx: Context,
  consul: Consul,
  { key, value, sessionId }: LockRequest,
  flags: bigint,
  conditions: readonly TxnOp[],
  queueing: readonly TxnOp[],
  riding: readonly TxnOp[],
): Promise<ClaimResult> {
  const lock: TxnOp = { verb: 'lock', key, value, flags, session: sessionId }
  const outcome = await transact(ctx, consul, [...conditions, lock, ...queueing, ...riding])
  if (outcome.done) {
    const entry = outcome.entries.findLast((entry) => entry.key === key)
    if (entry?.session !== sessionId) throw consul.protocolError('a lock without our session on it')
    return { kind: 'held', fence: entry.modifyIndex, entries: outcome.entries }
  }
  const { reasons, failed, denied } = outcome
  if (denied.length > 0) return { kind: 'denied', denied }
  const refused = riding.filter((op) => failed.includes(op))
  // A lock that is taken may be free again by the time that a rider looks for what refused; one try more tells.
  if (refused.length > 0 && !reasons.some(isSessionGone)) return { kind: 'refused', refused }
  const isChanged = failed.every((op) => op !== undefined && conditions.includes(op))
  const isQueued = queueing.some((op) => failed.includes(op))
  return { kind: whyNot(reasons, isChanged), ...(isQueued && { isQueued }) }
}

/** A lock that is ours already stays so, whatever became of its value. */
export function unchanged({ key, sessionId }: LockRequest, seen: LastSeen): TxnOp {
  if (seen === undefined) return { verb: 'check-not-exists', key }
  if (seen === 'ours' || seen.session === sessionId) return { verb: 'check-session', key, session: sessionId }
  checkIsLock(seen)
  return { verb: 'check-index', key, index: seen.modifyIndex }
}

// Consul's own words: agent/consul/txn_endpoint.go (preCheck) and agent/consul/state/txn.go.
function isSessionGone(reason: string): boolean {
  return /invalid session|session .*not found|unknown session/i.test(reason)
}

function whyNot(reasons: readonly string[], isChanged: boolean): WhyNot {
  const reason = reasons.join('; ')
  if (/due to lock delay/i.test(reason)) return 'lock-delay'
  if (/already held/i.test(reason)) return 'taken'
  if (isSessionGone(reason)) return 'session-gone'
  if (isChanged) return 'changed'
  if (/key ".*" exists|index is stale/i.test(reason)) return 'queued'
  throw new Failure('unavailable', `Consul doesn't give the lock: ${reason || 'no reason given'}`)
}

/**
 * Gives the lock up if it is ours, and touches nothing if it isn't. Settles with whether it was. What rides with it is
 * left out when it isn't allowed, or can't be done. A key that was `found` free is left as it was, and not deleted.
 */
export async function releaseKey(
  ctx: Context,
  consul: Consul,
  held: HeldKey,
  riding: readonly TxnOp[] = [],
  found?: Pick<Entry, 'value' | 'flags'>,
): Promise<boolean> {
  return (await releaseWith(ctx, consul, held, [], riding, found)) === true
}

/** Does the same, together with these operations; `'changed'` when they can't be done. */
export async function releaseWith(
  ctx: Context,
  consul: Consul,
  { key, sessionId }: HeldKey,
  besides: readonly TxnOp[],
  riding: readonly TxnOp[],
  found?: Pick<Entry, 'value' | 'flags'>,
): Promise<boolean | 'changed'> {
  const check: TxnOp = { verb: 'check-session', key, session: sessionId }
  const giveUp: TxnOp = found
    ? { verb: 'unlock', key, session: sessionId, value: found.value, flags: found.flags }
    : { verb: 'delete', key }
  const giving: readonly TxnOp[] = [check, giveUp, ...besides]
  const endOf = (outcome: TxnOutcome): boolean | 'changed' | undefined => {
    if (outcome.done) return true
    if (outcome.failed.includes(check)) return false
    return outcome.failed.some((op) => op && besides.includes(op)) ? 'changed' : undefined
  }
  if (riding.length > 0) {
    const end = await transact(ctx, consul, [...giving, ...riding]).then(
      (outcome) => endOf(outcome) ?? (outcome.done ? '' : outcome.reasons.join('; ')),
      (thrown: unknown) => {
        if (!(thrown instanceof Failure) || !NOT_ALLOWED.includes(thrown.code)) throw thrown
        return thrown.message
      },
    )
    if (typeof end === 'boolean' || end === 'changed') return end
    ctx.log.debug(`released without a record: ${end}`)
  }
  return endOf(await transact(ctx, consul, giving)) ?? false
}
