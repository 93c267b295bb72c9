import { isBeyond } from '../application/lag.ts'
import type { LeaderLock } from '../election/leader-lock.ts'
import type { AgentState } from '../machine/agent-state.ts'
import { isCandidate, type RoleTag, roleTagOf } from '../machine/role-tag.ts'
import type { AgentParts, AgentTuning } from './agent-parts.ts'
import type { AgentCounts, AgentStatus } from './agent-status.ts'
import type { Observer } from './observer.ts'

/** So many looks at the application may come to nothing before the agent counts as hung. */
const LOOKS = 3

/** What an agent's reports are made of, besides its state. */
export interface ReporterParts {
  readonly parts: AgentParts
  readonly tuning: () => AgentTuning
  readonly observer: Observer
  readonly lock: LeaderLock
  readonly counts: AgentCounts
}

/** Tells others of an agent: the catalog, who looks on, and who asks. */
export class AgentReporter {
  readonly #reported: ReporterParts

  constructor(reported: ReporterParts) {
    this.#reported = reported
  }

  /** An agent as others may look at it. */
  status(state: AgentState): AgentStatus {
    const { parts, tuning, observer, lock, counts } = this.#reported
    const { application, call, following, leader, switches, stuck } = state
    const { healthy, message, lagMs, lag } = observer.report
    return {
      name: parts.name,
      node: parts.node,
      role: this.#roleOf(state),
      healthy,
      message,
      doubt: observer.doubt,
      lagMs,
      lag,
      alive: observer.sinceLookMs < LOOKS * tuning().lookMs,
      candidate: isCandidate(state),
      lock: state.lock,
      application,
      call: call?.kind,
      following,
      master: leader,
      since: lock.since,
      fence: lock.fence,
      leaseLeftMs: state.lock === 'held' ? Math.round(lock.leaseLeftMs) : undefined,
      switches,
      stuck: stuck > 0,
      counts: { ...counts },
    }
  }

  /** Says in the catalog, and to spectators, what an agent is after a step; `loss` is how the lock was lost last. */
  publish(state: AgentState, loss: string | undefined): void {
    if (state.health === 'unknown') return
    const { parts, observer, lock } = this.#reported
    const { message } = observer.report
    const role = this.#roleOf(state)
    parts.registration.publish({ role, candidate: isCandidate(state), healthy: state.health === 'healthy', message })
    const { leader, yielding } = state
    const by = yielding && observer.askedBy(yielding)
    const view = { role, leader, yielding, loss, message, by, fence: lock.fence }
    for (const spectator of parts.spectators) spectator.saw(view)
  }

  #roleOf(state: AgentState): RoleTag {
    const { tuning, observer } = this.#reported
    const { maxLag } = tuning()
    return roleTagOf(state, maxLag && isBeyond(observer.report, maxLag))
  }
}
