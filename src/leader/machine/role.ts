import { mayBeMaster, type State } from './state.ts'

/** The one tag of ours that a service has. */
export type Role = 'master' | 'slave' | 'unhealthy' | 'disabled'

/**
 * What others see of us. `master` only from the success of `ensure_master` until the lock is about to go, so that who
 * asks for the master never gets one that is on its way up or down.
 */
export function roleOf(state: State): Role {
  if (state.switches.disabled) return 'disabled'
  if (isMaster(state)) return 'master'
  return state.health === 'healthy' || isStarting(state) ? 'slave' : 'unhealthy'
}

/** A promotion may restart the application. */
function isStarting({ standing, tenure, yielding }: State): boolean {
  return standing === 'promoting' && tenure === 'held' && yielding === undefined
}

function isMaster({ standing, tenure, yielding }: State): boolean {
  return standing === 'master' && tenure === 'held' && yielding === undefined
}

/** Whether others may count on us when a master is to be found. */
export function isCandidate({ health, ready, switches, traits, stopping, standing }: State): boolean {
  const isSwitchedOff = switches.disabled || switches.maintenance || switches.frozen || traits.nofailover
  return health === 'healthy' && ready && !isSwitchedOff && !stopping && !mayBeMaster({ standing })
}
