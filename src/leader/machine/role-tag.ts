import { type AgentState, mayBeMaster, mayBeOpen } from './agent-state.ts'

/**
 * The tags of ours, of which a service has one. A `stale` one is a slave that is too far behind to be read from. An
 * `unknown` one may be taking writes and isn't the master: it is on its way up or down, or hasn't been looked into.
 */
export const ROLE_TAGS = ['master', 'slave', 'stale', 'unknown', 'unhealthy', 'disabled'] as const

export type RoleTag = (typeof ROLE_TAGS)[number]

export function isRoleTag(tag: string): tag is RoleTag {
  return (ROLE_TAGS as readonly string[]).includes(tag)
}

/**
 * What others see of us. `master` only from the success of `ensure_master` until the lock is about to go, so that who
 * asks for the master never gets one that is on its way up or down; and `slave` never while it may be master.
 */
export function roleTagOf(state: AgentState, isStale = false): RoleTag {
  if (state.switches.disabled) return 'disabled'
  if (isMaster(state)) return 'master'
  if (state.health !== 'healthy' && !isStarting(state)) return 'unhealthy'
  if (mayBeMaster(state) || mayBeOpen(state)) return 'unknown'
  return isStale ? 'stale' : 'slave'
}

/** A promotion may restart the application. */
function isStarting({ application, lock, yielding }: AgentState): boolean {
  return application === 'promoting' && lock === 'held' && yielding === undefined
}

function isMaster({ application, lock, yielding }: AgentState): boolean {
  return application === 'master' && lock === 'held' && yielding === undefined
}

/** Whether others may count on us when a master is to be found. */
export function isCandidate(state: AgentState): boolean {
  const { health, ready, switches, traits, stopping } = state
  const isSwitchedOff = switches.disabled || switches.maintenance || traits.nofailover
  const isReplaced = state.reinit !== undefined
  return health === 'healthy' && ready && !isSwitchedOff && !isReplaced && !stopping && !mayBeMaster(state)
}
