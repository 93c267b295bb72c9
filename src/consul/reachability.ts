import type { Clock, Instant } from '../base/clock.ts'

/** Who is out of patience still waits this long for an answer. */
const SHORTEST_ATTEMPT_MS = 3000

/** Whether Consul has been reached at an address. All clients of that address share it. */
export class Reachability {
  /** How long Consul may be out of reach before it has answered once, in milliseconds; `Infinity` is for ever. */
  readonly patienceMs: number
  /**
   * Whether this address has ever answered as Consul does. What fails afterwards is an outage: not a wrong address, and
   * sat out as long as it lasts.
   */
  confirmed = false
  #askedAt: Instant | undefined

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs
  }

  /** How long an attempt that begins now may take: patience ends it, too. */
  attemptMs(clock: Clock, ms: number): number {
    this.#askedAt ??= clock.now()
    return Math.min(ms, Math.max(this.leftMs(clock), SHORTEST_ATTEMPT_MS))
  }

  /** How long Consul may still be out of reach. */
  leftMs(clock: Clock): number {
    if (this.confirmed || this.#askedAt === undefined) return Number.POSITIVE_INFINITY
    return this.patienceMs - clock.since(this.#askedAt)
  }
}
