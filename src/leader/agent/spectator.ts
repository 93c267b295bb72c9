import type { Leader, YieldReason } from '../machine/agent-state.ts'
import type { RoleTag } from '../machine/role-tag.ts'

/** An agent after a step, as a spectator hears of it. */
export interface AgentView {
  readonly role: RoleTag
  /** Who else leads. */
  readonly leader: Leader | undefined
  /** Why it gives up the lock, while it does. */
  readonly yielding: YieldReason | undefined
  /** How the lock was lost last, in words. */
  readonly loss: string | undefined
  /** What the application says of its health. */
  readonly message: string
  /** Who asked for what is being done, if somebody did. */
  readonly by: string | undefined
  readonly fence: number | undefined
}

/** Hears of an agent's steps. It must neither throw nor wait: a failover goes on when it returns. */
export interface Spectator {
  saw(view: AgentView): void
  /** The agent has ended. Settles when all is done that was begun, or after a few seconds. */
  finish(): Promise<void>
}
