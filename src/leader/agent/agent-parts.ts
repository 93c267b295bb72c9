import type { Context } from '../../base/context.ts'
import type { Application, CallResult } from '../application/application.ts'
import type { LagBound } from '../application/lag.ts'
import type { LeaderRecord } from '../cluster/leader-record.ts'
import type { StoredSchedule } from '../cluster/scheduled-switchover.ts'
import type { StoredState } from '../cluster/stored-state.ts'
import type { LeaderLock, LockListener } from '../election/leader-lock.ts'
import type { AgentGuardian } from '../guardian/agent-guardian.ts'
import type { Peer } from '../machine/agent-peer.ts'
import type { SaidPosition } from '../machine/occasion.ts'
import type { ServiceRegistration } from '../service/registration.ts'
import type { HealthRule } from './health-verdict.ts'
import type { ReinitDesk } from './reinit-desk.ts'
import type { Spectator } from './spectator.ts'

/** What an agent is made of. */
export interface AgentParts {
  readonly name: string
  readonly node: string
  readonly application: Application
  readonly registration: ServiceRegistration
  readonly guardian: AgentGuardian
  /** Makes our way to the lock. */
  readonly lock: (ctx: Context, listener: LockListener) => LeaderLock
  /** Whether this holder of the lock is a former life of ours. */
  readonly isFormerLife: (holder: Partial<LeaderRecord>) => boolean
  readonly reinit: ReinitDesk
  readonly spectators: readonly Spectator[]
  /** From the loss of the lock until the application must be no master any more, in milliseconds. */
  readonly graceMs: number
  /** The part of it that is `fence`'s. */
  readonly fenceMs: number
  /** Watches what stands at Consul about the cluster, until the signal aborts. */
  readonly watchStoredState: (ctx: Context, receive: (stored: StoredState) => void) => Promise<void>
  /** Watches the agents on other nodes, until the signal aborts. */
  readonly watchPeers: (ctx: Context, receive: (peers: readonly Peer[]) => void) => Promise<void>
  /** Tells the other nodes how much this one has. Rejects with a `Failure`. */
  readonly sayPosition: (ctx: Context, said: SaidPosition) => Promise<void>
  /** Promotes while nothing is noted of what the last master had. Never rejects. */
  readonly promoteWithLoss: (ctx: Context, promote: () => Promise<CallResult>) => Promise<CallResult>
  /** Takes the request at this index out of Consul, or says there why it is refused. */
  readonly answerStepDown: (ctx: Context, index: number, refused: string | undefined) => Promise<void>
  /** Makes a request to us of a switchover that is due. Rejects with a `Failure`. */
  readonly beginSwitchover: (ctx: Context, due: StoredSchedule) => Promise<void>
}

/** What may be changed while an agent runs. */
export interface AgentTuning {
  readonly intervalMs: number
  readonly nofailover: boolean
  readonly healthRule: HealthRule
  readonly priority: number
  readonly minLeaderMs: number
  /** A replica that is further behind is stale. */
  readonly maxLag: LagBound | undefined
  /** The longest that a look at the application takes. */
  readonly lookMs: number
}
