import assert from 'node:assert'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Loss } from './loss.ts'

/** The durations that a lock lives by, in milliseconds; `planTiming` makes only safe ones. */
export interface Timing {
  /** Consul keeps the session for at least this long after a renewal. */
  readonly ttlMs: number
  /** From one renewal's sending to the next. */
  readonly renewMs: number
  /** From TERM to KILL. */
  readonly graceMs: number
  /** How long nobody gets the lock after its session died. */
  readonly lockDelayMs: number
}

/** For what is not in the sum: a deposed leader's lease, the guardian's slack, the delivery of a KILL, timers. */
export const MARGIN_MS = 2000

/** The guardian acts this much after the runner should have, so that the command isn't told twice. */
export const GUARDIAN_SLACK_MS = 250

/** The longest grace when somebody else may hold the lock already, since no lock-delay kept it closed. */
const UNPROTECTED_GRACE_MS = 2000

/** One renewal's time, and the pause before the next try when it failed; by default both fit before the TTL's end. */
export const RENEW_ATTEMPT_MS = 3000
export const RENEW_RETRY_MS = 1000

/**
 * Two clocks' rates may differ by less than this part. Consul waits for two TTLs before a session expires, but one that
 * is destroyed while its holder is cut off has the lock-delay alone, so all of the holder's time is stretched by it.
 */
export const DRIFT = 1 / 10

/** Consul's own; its longest TTL is far beyond what its longest lock-delay allows. */
const TTL_MIN_MS = 10_000
/** Consul's own bound. */
export const LOCK_DELAY_MAX_MS = 60_000
const DEFAULTS = { ttlMs: 15_000, graceMs: 5000 }

/**
 * Fills in what wasn't asked for and checks the rule that makes exclusion independent of how a session dies:
 * with t0 = the sending of the last good renewal, the group is dead by t0 + TTL + grace on the holder's clock, and
 * nobody can have the lock before t0 + lock-delay on Consul's. So lock-delay >= TTL + grace + a tenth + margin, which
 * is what it is unless asked otherwise. Throws a `usage` failure with the numbers.
 */
export function planTiming(wanted: Partial<Timing>): Timing {
  const { ttlMs, graceMs } = { ...DEFAULTS, ...wanted }
  const renewMs = wanted.renewMs ?? Math.round((ttlMs * 2) / 3)
  const driftMs = Math.ceil((ttlMs + graceMs) * DRIFT)
  const neededMs = ttlMs + graceMs + driftMs + MARGIN_MS
  const lockDelayMs = wanted.lockDelayMs ?? neededMs
  const say = formatDuration
  const sum = `TTL ${say(ttlMs)} + grace ${say(graceMs)} + a tenth ${say(driftMs)} + margin ${say(MARGIN_MS)} = ${say(neededMs)}`
  if (ttlMs < TTL_MIN_MS) {
    throw new Failure('usage', `a TTL of ${say(ttlMs)} is shorter than Consul takes`, {
      hint: `--ttl must be at least ${say(TTL_MIN_MS)}`,
    })
  }
  if (renewMs < RENEW_RETRY_MS || renewMs + RENEW_RETRY_MS > ttlMs) {
    throw new Failure('usage', `renewing every ${say(renewMs)} does not keep a session with a TTL of ${say(ttlMs)}`, {
      hint: `--renew must lie between 1s and ${say(ttlMs - RENEW_RETRY_MS)}`,
    })
  }
  if (lockDelayMs > LOCK_DELAY_MAX_MS) {
    const why = wanted.lockDelayMs === undefined ? `${sum}, more than` : `a lock-delay of ${say(lockDelayMs)} is over`
    throw new Failure('usage', `${why} Consul's longest lock-delay, ${say(LOCK_DELAY_MAX_MS)}`, {
      hint: 'make --ttl, --kill-after or --lock-delay shorter',
    })
  }
  if (lockDelayMs < neededMs) {
    throw new Failure('usage', `a lock-delay of ${say(lockDelayMs)} is not safe: it must be at least ${sum}`, {
      hint: 'make --lock-delay longer, or --ttl or --kill-after shorter',
    })
  }
  assert(ttlMs + graceMs < lockDelayMs, 'a group is dead before anybody else can have the lock')
  return { ttlMs, renewMs, graceMs, lockDelayMs }
}

/** How long the command may take from TERM to KILL, `elapsedMs` after the sending of the last good renewal. */
export function graceLeftMs(timing: Timing, elapsedMs: number, loss: Loss): number {
  const isProtected = loss.kind !== 'key-taken' && loss.kind !== 'key-released'
  const graceMs = isProtected ? timing.graceMs : Math.min(timing.graceMs, UNPROTECTED_GRACE_MS)
  const leftMs = Math.max(0, Math.min(graceMs, timing.ttlMs + timing.graceMs - elapsedMs))
  assert(leftMs === 0 || elapsedMs + leftMs <= timing.ttlMs + timing.graceMs, 'the group is dead by TTL + grace')
  return leftMs
}

/** A lease with a smaller part of its TTL left is renewed before a command starts. */
const ENOUGH = 1 / 4

/** Whether so much of a lease is enough to start a command. */
export function isEnoughToStart({ ttlMs }: Timing, leftMs: number): boolean {
  return leftMs > ttlMs * ENOUGH
}

/** How long a holder may go on, `elapsedMs` after the sending of its last good renewal; below 1 it must stop. */
export function leaseLeftMs(timing: Timing, elapsedMs: number): number {
  return timing.ttlMs - elapsedMs
}
