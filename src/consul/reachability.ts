import type { Clock, Instant } from '../base/clock.ts'

/** Who is out of patience still waits this long for an answer. */
const SHORTEST_ATTEMPT_MS = 3000

/** A task that is tried again while Consul doesn't do it; disposed of when it is tried no more. */
export interface RetriedTask extends Disposable {
  /** It has failed, for a reason that passes. */
  failed(): void
}

/** The times in which any task failed and was tried again. */
export class Outages {
  readonly #failing = new Set<RetriedTask>()
  #since: Instant | undefined
  #overMs = 0

  /** A task that begins now, and counts from its first failure to its end. */
  task(clock: Clock): RetriedTask {
    const task: RetriedTask = {
      failed: () => {
        this.#since ??= clock.now()
        this.#failing.add(task)
      },
      [Symbol.dispose]: () => {
        if (!this.#failing.delete(task) || this.#failing.size > 0) return
        this.#overMs = this.#lostMs(clock)
        this.#since = undefined
      },
    }
    return task
  }

  /** Tells how much of the time from now on was lost to them, in milliseconds. */
  from(clock: Clock): () => number {
    const before = this.#lostMs(clock)
    return () => this.#lostMs(clock) - before
  }

  #lostMs(clock: Clock): number {
    return this.#overMs + (this.#since ? clock.since(this.#since) : 0)
  }
}

/** Whether Consul has been reached at an address. All clients of that address share it. */
export class Reachability {
  /** How long Consul may be out of reach before it has answered once, in milliseconds; `Infinity` is for ever. */
  readonly patienceMs: number
  /**
   * Whether this address has ever answered as Consul does. What fails afterwards is an outage: not a wrong address, and
   * sat out as long as it lasts.
   */
  confirmed = false
  readonly outages = new Outages()
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
