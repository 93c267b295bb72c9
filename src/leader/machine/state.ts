/** Who holds the lock, as its slaves are told. */
export interface Leader {
  readonly node: string
  readonly address: string
  readonly port: number
  /** `ensure_master` has succeeded there. */
  readonly promoted: boolean
}

/** What is done to the application, one at a time. `ready` only asks. */
export type Call = 'ensure-master' | 'ensure-slave' | 'demote' | 'fence' | 'ready'

/** What the application is, as far as we know. `promoting` and `master` must be demoted before the lock may go. */
export type Standing = 'unknown' | 'slave' | 'promoting' | 'master' | 'demoted' | 'fenced'

/** Where we are with the lock. A `withdrawing` contest may still be won. */
export type Tenure = 'none' | 'contending' | 'withdrawing' | 'held' | 'releasing'

/** Why a master gives the lock up. */
export type Reason =
  | 'unhealthy'
  | 'disabled'
  | 'stopping'
  | 'step-down'
  | 'not-ready'
  | 'promotion-failed'
  | 'mastery-failed'
  | 'not-wanted'

/** What operators have switched, as it counts now. */
export interface Effective {
  readonly disabled: boolean
  /** Of this node, or of the cluster. */
  readonly maintenance: boolean
  readonly frozen: boolean
}

/** What an agent is made to be. Durations are in milliseconds. */
export interface Traits {
  readonly node: string
  readonly nofailover: boolean
  readonly minLeaderMs: number
  readonly canDemote: boolean
  readonly canFence: boolean
  readonly asksReadiness: boolean
}

/** All that an agent's decisions rest on. Instants are milliseconds of a monotonic clock. */
export interface State {
  readonly traits: Traits
  readonly health: 'unknown' | 'healthy' | 'unhealthy'
  /** What `ready_to_lead` said last; `true` without one. */
  readonly ready: boolean
  readonly switches: Effective
  /** A better candidate is there. */
  readonly outranked: boolean
  readonly stopping: boolean
  readonly tenure: Tenure
  /** When the lock was won. */
  readonly leaderSinceMs: number
  /** Somebody else may hold the lock already: it was lost without the protection of a lock-delay. */
  readonly hurried: boolean
  readonly yielding: Reason | undefined
  /** Who else holds the lock. */
  readonly leader: Leader | undefined
  readonly lockFreeSinceMs: number | undefined
  readonly standing: Standing
  /** Whose slave the application is. */
  readonly following: string | undefined
  /** Whom it was last made a slave of, with success or without. */
  readonly lastTried: string | undefined
  readonly call: { readonly kind: Call; readonly about: string | undefined; readonly interrupted: boolean } | undefined
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
export function newState(traits: Traits): State {
  return {
    traits,
    health: 'unknown',
    ready: !traits.asksReadiness,
    switches: { disabled: false, maintenance: false, frozen: false },
    outranked: false,
    stopping: false,
    tenure: 'none',
    leaderSinceMs: 0,
    hurried: false,
    yielding: undefined,
    leader: undefined,
    lockFreeSinceMs: undefined,
    standing: 'unknown',
    following: undefined,
    lastTried: undefined,
    call: undefined,
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

/** Whether the application may be taking writes in our name. */
export function mayBeMaster({ standing }: Pick<State, 'standing'>): boolean {
  return standing === 'promoting' || standing === 'master'
}
