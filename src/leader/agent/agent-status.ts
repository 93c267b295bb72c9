import type { Lag } from '../application/lag.ts'
import type { ApplicationCall, ApplicationState, EffectiveSwitches, Leader, LockState } from '../machine/agent-state.ts'
import type { RoleTag } from '../machine/role-tag.ts'

/** An agent as others may look at it: `/status`, and what all other answers of the HTTP interface rest on. */
export interface AgentStatus extends Lag {
  readonly name: string
  readonly node: string
  readonly role: RoleTag
  readonly healthy: boolean
  readonly message: string
  /** `2 of 3`: so many checks in a row say otherwise, and aren't enough yet. */
  readonly doubt: string | undefined
  readonly candidate: boolean
  /** `false`: the application has not been looked at for longer than a look can take. */
  readonly alive: boolean
  readonly lock: LockState
  readonly application: ApplicationState
  readonly call: ApplicationCall | undefined
  readonly following: string | undefined
  readonly master: Leader | undefined
  readonly since: string | undefined
  readonly fence: number | undefined
  readonly leaseLeftMs: number | undefined
  readonly switches: EffectiveSwitches
  readonly stuck: boolean
  readonly counts: Readonly<AgentCounts>
}

/** What has happened since the agent's start. */
export interface AgentCounts {
  promotions: number
  demotions: number
  fencings: number
  lost: number
  failedCalls: number
  unhealthy: number
}
