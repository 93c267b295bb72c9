import type { Peer } from './agent-peer.ts'
import type { Handover } from './handover-request.ts'
import type { Occasion, SaidPosition } from './occasion.ts'

/** Who holds the lock, as its slaves are told. */
export interface Leader {
  readonly node: string
  readonly address: string
  readonly port: number
  /** `ensure_master` has succeeded there. */
  readonly promoted: boolean
}

/**
 * What is done to the application, one at a time. `ready` only asks; `stand-by` has it run while nobody leads; `reinit`
 * replaces its data by the master's.
 */
export type ApplicationCall = 'ensure-master' | 'ensure-slave' | 'stand-by' | 'reinit' | 'demote' | 'fence' | 'ready'

/** What the application is, as far as we know. `promoting` and `master` must be demoted before the lock may go. */
export type ApplicationState = 'unknown' | 'slave' | 'promoting' | 'master' | 'demoted' | 'fenced'

/** What the application says that it is. */
export type FoundRole = 'master' | 'slave' | 'stopped'

/** Where we are with the lock. A `withdrawing` campaign may still be won. */
export type LockState = 'none' | 'contending' | 'withdrawing' | 'held' | 'releasing'

/** Why a master gives the lock up. */
export type YieldReason =
  | 'unhealthy'
  | 'disabled'
  | 'stopping'
  | 'step-down'
  | 'not-ready'
  | 'behind'
  | 'promotion-failed'
  | 'mastery-failed'
  | 'not-wanted'

/** What operators have switched, as it counts now. */
export interface EffectiveSwitches {
  readonly disabled: boolean
  /** Of this node, or of the cluster. */
  readonly maintenance: boolean
  /** There were too many failovers. */
  readonly frozen: boolean
}

/** What an agent is made to be. Durations are in milliseconds. */
export interface AgentTraits {
  readonly node: string
  readonly nofailover: boolean
  readonly priority: number
  readonly minLeaderMs: number
  /** So much a candidate may lack of what we have when we hand over to it. */
  readonly maxLag: bigint
  readonly canDemote: boolean
  readonly canFence: boolean
  readonly canStandBy: boolean
  readonly asksReadiness: boolean
}

/** All that an agent's decisions rest on. Instants are milliseconds of a monotonic clock. */
export interface AgentState {
  readonly traits: AgentTraits
  readonly health: 'unknown' | 'healthy' | 'unhealthy'
  /** What the application has said that it is, and nothing was done about yet. */
  readonly found: FoundRole | undefined
  /** When it was asked first. */
  readonly firstLookMs: number | undefined
  /** What `ready_to_lead` said last; `true` without one. */
  readonly ready: boolean
  /** A person has us lead, whatever we lack. */
  readonly acceptsLoss: boolean
  readonly switches: EffectiveSwitches
  /** Consul has told of the switches. */
  readonly switchesSeen: boolean
  /** The agents on other nodes. */
  readonly peers: readonly Peer[]
  /** Who became master last, whatever it is now, unless it has handed over. */
  readonly lastMaster: string | undefined
  /** To whom the last master hands over. */
  readonly successor: string | undefined
  readonly occasion: Occasion
  /** How much the application has, as it said last; `undefined` when it doesn't say. */
  readonly own: SaidPosition | undefined
  /** What other nodes have said on this occasion. */
  readonly said: ReadonlyMap<string, bigint>
  /** We have given way to a better candidate, and do so until then. */
  readonly courtesyUntilMs: number | undefined
  /** When the agent is to look again, at the latest. */
  readonly wakeAtMs: number | undefined
  readonly stopping: boolean
  readonly lock: LockState
  /** When the lock was won. */
  readonly leaderSinceMs: number
  /** Somebody else may hold the lock already: it was lost without the protection of a lock-delay. */
  readonly hurried: boolean
  readonly yielding: YieldReason | undefined
  /** An operator asks us to hand over. */
  readonly handover: Handover | undefined
  /** The index of the last such request. */
  readonly lastRequest: number | undefined
  /** Who else holds the lock. */
  readonly leader: Leader | undefined
  readonly lockFreeSinceMs: number | undefined
  readonly application: ApplicationState
  /** Whose slave the application is. */
  readonly following: string | undefined
  /** Whose slave it could not be made when that was tried last. */
  readonly failedToFollow: string | undefined
  readonly call:
    | { readonly kind: ApplicationCall; readonly about: string | undefined; readonly interrupted: boolean }
    | undefined
  /** The request to throw the data away and take the master's that is still to be met. */
  readonly reinit: string | undefined
  /** `ready_to_lead` has agreed since the lock was won. */
  readonly cleared: boolean
  /** The next assertion of the role is due. */
  readonly due: boolean
  /** Not a candidate before. */
  readonly restUntilMs: number
  /** It rests only until somebody else has taken over what it handed over. */
  readonly handedOver: boolean
  readonly failedPromotions: number
  readonly failedAssertions: number
  /** How often in a row the application could be neither demoted nor fenced, and when it is tried again. */
  readonly stuck: number
  readonly retryAtMs: number
  readonly demoteFailed: boolean
  readonly finished: boolean
}

/** An agent that knows nothing yet. */
export function newState(traits: AgentTraits): AgentState {
  return {
    traits,
    health: 'unknown',
    found: undefined,
    firstLookMs: undefined,
    ready: !traits.asksReadiness,
    acceptsLoss: false,
    switches: { disabled: false, maintenance: false, frozen: false },
    switchesSeen: false,
    peers: [],
    lastMaster: undefined,
    successor: undefined,
    occasion: '',
    own: undefined,
    said: new Map(),
    courtesyUntilMs: undefined,
    wakeAtMs: undefined,
    stopping: false,
    lock: 'none',
    leaderSinceMs: 0,
    hurried: false,
    yielding: undefined,
    handover: undefined,
    lastRequest: undefined,
    leader: undefined,
    lockFreeSinceMs: undefined,
    application: 'unknown',
    following: undefined,
    failedToFollow: undefined,
    call: undefined,
    reinit: undefined,
    cleared: false,
    due: false,
    restUntilMs: 0,
    handedOver: false,
    failedPromotions: 0,
    failedAssertions: 0,
    stuck: 0,
    retryAtMs: 0,
    demoteFailed: false,
    finished: false,
  }
}

/** Names a leader, so that a new one at an old address is told from it. */
export function identityOf({ node, address, port }: Leader): string {
  return `${node} ${address} ${port}`
}

/** Whether the application may be taking writes: in our name, or in nobody's. */
export function mayBeMaster(state: AgentState): boolean {
  return state.application === 'promoting' || state.application === 'master' || isStray(state)
}

/**
 * Whether the application may be a master without the lock: one that an agent has left which was killed together with
 * its guardian, or one that somebody else has promoted. In maintenance that is people's business.
 */
export function isStray(state: AgentState): boolean {
  return mayBeOpen(state) && !state.switches.maintenance
}

/** Whether the application may take writes though that isn't ours to want, whoever wants it so. */
export function mayBeOpen({ application, found, lock, yielding, traits }: AgentState): boolean {
  const isOurs = (lock === 'held' && yielding === undefined) || lock === 'releasing'
  if (isOurs || !traits.canDemote) return false
  return found === 'master' || application === 'unknown'
}
