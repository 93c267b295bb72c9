import type { Loss } from '../lock/loss.ts'
import type { Event, LossEvent } from './machine/event.ts'
import type { Reason } from './machine/state.ts'

/** Who hears of what comes of it. */
export interface LockListener {
  tell(event: Extract<Event, { kind: 'won' | 'withdrawn' | 'released' }> | LossEvent): void
  /** A session may come to hold the lock. */
  session(id: string): void
  /** The lease was prolonged. */
  renewed(): void
}

/** An agent's lock. Simulation runs the real one, too. */
export interface Lock {
  readonly fence: number | undefined
  readonly leaseLeftMs: number
  readonly since: string | undefined
  contend(): Promise<void>
  withdraw(): void
  announce(): Promise<void>
  lose(loss: Loss): void
  /** The next holder is no failover. */
  handOver(): void
  release(): Promise<void>
  /** The application is no master any more: what was lost without Consul's word is given back when Consul answers. */
  settle(): void
  abandon(): void
}

/** Whether a master that goes for this reason goes by somebody's will: its successor is no failover. */
export function isHandover(reason: Reason): boolean {
  return reason === 'step-down' || reason === 'disabled' || reason === 'stopping'
}
