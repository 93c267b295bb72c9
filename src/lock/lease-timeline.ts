import { GUARDIAN_SLACK_MS, graceLeftMs, RENEW_ATTEMPT_MS, RENEW_RETRY_MS, type Timing } from './lease-timing.ts'
import { DEADLINE_PASSED } from './loss.ts'

/** Consul lets a session live for so many TTLs after its last renewal (agent/consul/session_ttl.go). */
const TTLS_TO_EXPIRY = 2

/** What happens when, should no renewal get through any more: in milliseconds from the sending of the last that did. */
export interface LeaseTimeline {
  /** The renewals that are sent in vain, if each is met by silence. */
  readonly attemptsMs: readonly [number, ...number[]]
  /** The lease is over, and the command is told to end. */
  readonly deadlineMs: number
  /** The command's last process is dead. */
  readonly killMs: number
  /** The same two, where the runner doesn't act and its guardian does. */
  readonly guardian: { readonly actsMs: number; readonly killMs: number }
  /** Consul ends the session, if nothing else has ended it; it may do so later. */
  readonly expiryMs: number
  /** Somebody else may have the lock, whatever ended the session and whenever; by Consul's clock. */
  readonly nextHolderMs: number
  /** Somebody else may have the lock of a session that expired. */
  readonly nextAfterExpiryMs: number
}

/** The timeline of a lock that lives by these times. */
export function leaseTimeline(timing: Timing): LeaseTimeline {
  const { ttlMs, lockDelayMs } = timing
  const killMs = ttlMs + graceLeftMs(timing, ttlMs, DEADLINE_PASSED)
  const expiryMs = ttlMs * TTLS_TO_EXPIRY
  return {
    attemptsMs: attempts(timing),
    deadlineMs: ttlMs,
    killMs,
    guardian: { actsMs: ttlMs + GUARDIAN_SLACK_MS, killMs: killMs + GUARDIAN_SLACK_MS },
    expiryMs,
    nextHolderMs: lockDelayMs,
    nextAfterExpiryMs: expiryMs + lockDelayMs,
  }
}

function attempts({ renewMs, ttlMs }: Timing): [number, ...number[]] {
  const everyMs = RENEW_ATTEMPT_MS + RENEW_RETRY_MS
  const again = Math.ceil((ttlMs - renewMs) / everyMs) - 1
  return [renewMs, ...Array.from({ length: again }, (_, n) => renewMs + (n + 1) * everyMs)]
}

/** How long a silence of Consul's is survived, by when it begins: right before a renewal is sent, or right after. */
export function silenceSurvivedMs({ ttlMs, renewMs }: Timing): { readonly leastMs: number; readonly mostMs: number } {
  return { leastMs: ttlMs - renewMs, mostMs: ttlMs }
}
