import type { Role } from './machine/role.ts'
import type { Call, Effective, Leader, Standing, Tenure } from './machine/state.ts'

/** An agent as others may look at it: `/status`, and what all other answers of the HTTP interface rest on. */
export interface View {
  readonly name: string
  readonly node: string
  readonly role: Role
  readonly healthy: boolean
  readonly message: string
  readonly candidate: boolean
  readonly lock: Tenure
  readonly application: Standing
  readonly call: Call | undefined
  readonly following: string | undefined
  readonly master: Leader | undefined
  readonly since: string | undefined
  readonly fence: number | undefined
  readonly leaseLeftMs: number | undefined
  readonly switches: Effective
  readonly stuck: boolean
  readonly counts: Readonly<Counts>
}

/** What has happened since the agent's start. */
export interface Counts {
  promotions: number
  demotions: number
  fencings: number
  lost: number
  failedCalls: number
  unhealthy: number
}
