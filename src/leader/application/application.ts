import type { Context } from '../../base/context.ts'
import type { OnGroup } from '../../child/task.ts'
import type { ApplicationCall, Leader } from '../machine/agent-state.ts'
import type { Lag } from './lag.ts'

/** How the application is, with a message for people. */
export interface HealthReport extends Lag {
  readonly healthy: boolean
  readonly message: string
  /** What it really is, if that is known. */
  readonly role?: 'master' | 'slave' | 'stopped'
}

/** How a call ended; what went wrong, in few words, when it did. */
export interface CallResult {
  readonly ok: boolean
  readonly message: string
  /** Of `ready`: how much this node has; the greater, the more. */
  readonly position?: bigint
}

/** What a call is about. */
export interface CallOptions {
  /** The master, for `ensure-slave` and `reinit`. */
  readonly leader: Leader | undefined
  /** The fencing token, while the lock is ours. */
  readonly fence: number | undefined
  /** As short as can be: somebody else may be master already. */
  readonly hurried: boolean
  /** Hears of the process group that does it, and of its end with `undefined`. */
  readonly onGroup: OnGroup
}

/** The application that is failed over. Nothing here rejects; a context that aborts ends what is under way. */
export interface Application {
  readonly canDemote: boolean
  readonly canFence: boolean
  readonly canStandBy: boolean
  readonly asksReadiness: boolean
  /** `role`: what it should be; a master that is none any more isn't healthy. */
  health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport>
  /** One at a time: the caller sees to that. */
  call(ctx: Context, call: ApplicationCall, terms: CallOptions): Promise<CallResult>
}
