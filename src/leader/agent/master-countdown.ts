import type { Clock, Instant } from '../../base/clock.ts'
import type { MasterTime } from '../guardian/agent-guardian.ts'
import type { AgentState } from '../machine/agent-state.ts'
import { mustDemote } from '../machine/reduce.ts'

export interface MasterLimits {
  /** From the loss of the lock until the application must be no master any more, in milliseconds. */
  readonly graceMs: number
  /** The part of it that is `fence`'s. */
  readonly fenceMs: number
}

/** How long the application may be master yet, by state and lease. */
export class MasterCountdown {
  readonly #clock: Clock
  readonly #limits: MasterLimits
  /** Since when the application must be no master any more, for it is one without the lock. */
  #overdueSince: Instant

  constructor(clock: Clock, limits: MasterLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#overdueSince = clock.now()
  }

  /** An agent has come from one state to another. */
  stepped(before: AgentState, after: AgentState): void {
    const now = this.#clock.now()
    if (isOverdue(after, now) && !isOverdue(before, now)) this.#overdueSince = now
  }

  /**
   * What is lost we demote ourselves, and the guardian must not do so at the same time: its turn comes when our
   * demotion should be over, with what is left of the grace. Once we have tried in vain, it waits for as long as we are
   * alive and try again.
   */
  time(state: AgentState, leaseLeftMs: number): MasterTime {
    const { graceMs, fenceMs } = this.#limits
    if (state.lock === 'held') return { leftMs: leaseLeftMs, restMs: graceMs, isLeased: leaseLeftMs > 0 }
    const isLeased = false
    if (state.stuck > 0 || !isOverdue(state, this.#clock.now())) return { leftMs: graceMs, restMs: graceMs, isLeased }
    const leftMs = graceMs - this.#clock.since(this.#overdueSince)
    const isFenced = state.call?.kind === 'fence'
    return isFenced ? { leftMs, restMs: 0, isLeased } : { leftMs: leftMs - fenceMs, restMs: fenceMs, isLeased }
  }
}

/** Whether the application must be demoted, and we don't hold the lock meanwhile. */
function isOverdue(state: AgentState, now: Instant): boolean {
  return state.lock !== 'held' && mustDemote(state, now.monotonicMs)
}
