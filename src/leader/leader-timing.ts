import { Failure } from '../base/failure.ts'
import { planTiming, type Timing } from '../lock/lease-timing.ts'
import type { LeaderFile } from './leader-file.ts'

/** The longest time from TERM to KILL for a call of the application that is ended. */
export const CALL_GRACE_MS = 1000

/**
 * The timing of an agent's lock. From the moment at which the lease is over, a call under way may need a while to end,
 * and then `demote`, and when that hangs `fence`, have the time of their timeouts: all that is the grace. Throws a
 * `config` failure with the numbers.
 */
export function leaderTiming(path: string, file: LeaderFile): Timing {
  const { ttl, lock_delay, timeouts } = file
  const graceMs = CALL_GRACE_MS + timeouts.demote + timeouts.fence
  try {
    return planTiming({ ttlMs: ttl, graceMs, ...(lock_delay === undefined ? {} : { lockDelayMs: lock_delay }) })
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    throw new Failure('config', `${path}: ${thrown.message}`, {
      hint: 'the grace is timeouts.demote + timeouts.fence + 1s; change those, or ttl, or lock_delay',
      cause: thrown,
    })
  }
}
