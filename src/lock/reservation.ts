import type { Entry } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { LockRequest } from './claim.ts'
import type { HolderRecord } from './holder-record.ts'
import { LOCK_FLAGS } from './lock-keys.ts'

/** No record of ours is longer; nobody reads on. In characters. */
const LONGEST = 8192

/**
 * For whom a slot is kept without a session. No session outlives the reboot of its machine for sure: its agent may
 * leave, and nobody renews it meanwhile. So a slot may be kept by its value, which counts as long as no session holds
 * the key; only its owner takes it, or a person takes it away.
 *
 * Its owner's session takes it with the value that it has, so however that ends (refused, without a reply, interrupted,
 * killed, lost) the slot is kept as it was found. Only what its owner writes under that session ends this (`ownSteps`).
 */
export function reservedFor({ session, value }: Entry): string | undefined {
  return session === undefined ? reservationIn(value) : undefined
}

/** For whom this value of a slot keeps it when no session holds it. */
export function reservationIn(value: string): string | undefined {
  if (value.length > LONGEST) return undefined
  try {
    const { reservedFor } = Object(JSON.parse(value)) as { reservedFor?: unknown }
    return typeof reservedFor === 'string' && reservedFor !== '' ? reservedFor : undefined
  } catch {
    return undefined
  }
}

/** The step by which the holder of a slot lets its session go of it, and keeps it. */
export function reserveStep(key: string, session: string, owner: string, record: Partial<HolderRecord>): TxnOp {
  const value = JSON.stringify({ ...record, reservedFor: owner })
  return { verb: 'unlock', key, session, value, flags: LOCK_FLAGS }
}

/** The steps by which the session that holds a kept slot makes it one like any other: nobody keeps it any more. */
export function ownSteps({ key, sessionId: session, value }: LockRequest): TxnOp[] {
  return [
    { verb: 'check-session', key, session },
    { verb: 'set', key, value, flags: LOCK_FLAGS },
  ]
}
