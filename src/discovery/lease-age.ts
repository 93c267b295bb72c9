import type { Clock } from '../base/clock.ts'
import type { Entry } from '../consul/kv.ts'
import { parseLease } from './lease-record.ts'

/**
 * How long a contender has seen the same lease, by the machine's monotonic clock alone: the wall clock may be set
 * forward, and a lease that seems older than it is would end too early. While the machine is suspended it ages not.
 */
export class LeaseAge {
  readonly #clock: Clock
  /** For a lease that doesn't tell its length. */
  readonly #unknownMs: number
  #seen: { readonly modifyIndex: number; readonly atMs: number } | undefined

  constructor(clock: Clock, unknownMs: number) {
    this.#clock = clock
    this.#unknownMs = unknownMs
  }

  /** When this lease is over for sure, in milliseconds from now; 0 or less: it is. */
  overdueInMs(lease: Entry): number {
    const nowMs = this.#clock.now().monotonicMs
    if (this.#seen?.modifyIndex !== lease.modifyIndex) this.#seen = { modifyIndex: lease.modifyIndex, atMs: nowMs }
    const lengthMs = parseLease(lease.value)?.leaseMs ?? this.#unknownMs
    return this.#seen.atMs + lengthMs - nowMs
  }
}
