import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import { createSession, destroySession } from '../consul/sessions.ts'
import { transact } from '../consul/txn.ts'
import { checkIsLock } from '../lock/lock-keys.ts'
import { type LeaseRecord, leaseKey } from './lease-record.ts'

/** Consul destroys a session at twice its TTL, and takes no TTL below 10 s; agent/consul/session_ttl.go */
const TTL_MULTIPLIER = 2
const SHORTEST_TTL_MS = 10_000

/**
 * Takes a lease in the place of what stands at its key: nothing, or a lease that is over or ours. Settles with whether
 * we have it; not, when what stood there has changed meanwhile. Rejects with a `Failure`, also when what stands there
 * was never locked by anybody; then we don't have it, if Consul could be told.
 */
export async function claimLease(
  ctx: Context,
  consul: Consul,
  label: string,
  record: LeaseRecord,
  before: Entry | undefined,
): Promise<boolean> {
  const key = leaseKey(label)
  if (before) checkIsLock(before)
  const session = await createSession(ctx, consul, {
    name: `start-up lease ${label} ${record.serviceId}`,
    ttlMs: Math.max(SHORTEST_TTL_MS, record.leaseMs / TTL_MULTIPLIER),
    lockDelayMs: 0,
    behavior: 'delete',
  })
  let isOurs = false
  try {
    const { done } = await transact(ctx, consul, [
      ...(before ? [{ verb: 'delete-cas', key, index: before.modifyIndex } as const] : []),
      { verb: 'lock', key, session, value: JSON.stringify(record) },
    ])
    isOurs = done
  } finally {
    // The lease that a lost answer may have given goes with its session.
    if (!isOurs) await endSession(ctx, consul, session)
  }
  if (isOurs && before?.session !== undefined) await endSession(ctx, consul, before.session)
  return isOurs
}

/** Destroys a session and the lease that it holds. It would expire anyway. */
export async function endSession(ctx: Context, consul: Consul, session: string): Promise<void> {
  try {
    await destroySession(ctx, consul, session)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.debug(`the session ${session} is left to expire: ${thrown.message}`)
  }
}
