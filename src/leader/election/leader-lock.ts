import type { Loss } from '../../lock/loss.ts'
import type { AgentEvent, LossEvent } from '../machine/agent-event.ts'
import type { YieldReason } from '../machine/agent-state.ts'

/** Who hears of what comes of it. */
export interface LockListener {
  emit(event: Extract<AgentEvent, { kind: 'won' | 'withdrawn' | 'released' }> | LossEvent): void
  /** A session may come to hold the lock. */
  onSession(id: string): void
  /** The lease was prolonged. */
  onRenewed(): void
}

/** An agent's lock. Simulation runs the real one, too. */
export interface LeaderLock {
  readonly fence: number | undefined
  readonly leaseLeftMs: number
  readonly since: string | undefined
  contend(): Promise<void>
  withdraw(): void
  announce(): Promise<void>
  /** Has what the failovers amount to judged anew. */
  recount(): Promise<void>
  lose(loss: Loss): void
  /** The next holder is no failover; others leave the lock to the successor, if there is one. */
  handOver(successor: string | undefined): void
  release(): Promise<void>
  /** The application is no master any more: what was lost without Consul's word is given back when Consul answers. */
  releaseLost(): void
  /** A former life's session holds the lock: `releaseLost` gives that back as well. */
  takeBack(session: string): void
  abandon(): void
}

/** Whether a master that goes for this reason goes by somebody's will: its successor is no failover. */
export function isHandover(reason: YieldReason): boolean {
  return reason === 'step-down' || reason === 'disabled' || reason === 'stopping'
}
