import type { Timing } from '../../lock/lease-timing.ts'
import type { LeaderKeys } from '../cluster/leader-keys.ts'
import { type AgentIdentity, leaderRecordText } from '../cluster/leader-record.ts'

/** What is contended for, and by whom. */
export interface ElectionTerms {
  readonly name: string
  readonly keys: LeaderKeys
  readonly timing: Timing
  readonly identity: AgentIdentity
  /** May change. */
  readonly maxFailoversPerHour: () => number
  /** Resolves when the service is registered: before, nobody would find a master. */
  readonly registered: Promise<void>
}

/** What the lock's value says since this ISO date. */
export function recordOnLock({ name, timing, identity }: ElectionTerms, since: string, promoted: boolean): string {
  return leaderRecordText(identity, { name, timing, since, promoted })
}
