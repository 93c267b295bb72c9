import { mayBeMaster, type Reason, type State } from './state.ts'

/** How long a lesser candidate leaves a free lock to a better one. */
const PRECEDENCE_MS = 3000

/** Whether we want the lock. */
export function wantsLock(state: State, nowMs: number): boolean {
  const { switches, traits } = state
  if (switches.disabled || switches.maintenance || switches.frozen || traits.nofailover) return false
  if (state.stopping || state.health !== 'healthy' || !state.ready || mayBeMaster(state)) return false
  return nowMs >= state.restUntilMs && (!state.outranked || isLeftOver(state, nowMs))
}

function isLeftOver({ lockFreeSinceMs }: State, nowMs: number): boolean {
  return lockFreeSinceMs !== undefined && nowMs - lockFreeSinceMs >= PRECEDENCE_MS
}

/** Why a master must give up the lock, if it must. */
export function reasonToYield(state: State): Reason | undefined {
  if (state.stopping) return 'stopping'
  if (state.switches.disabled) return 'disabled'
  if (state.switches.maintenance) return state.standing === 'master' ? undefined : whileNotMaster(state, 'not-wanted')
  if (state.standing === 'master') return state.health === 'unhealthy' ? 'unhealthy' : undefined
  // A promotion may restart the application: it has the time of its timeout.
  if (state.standing === 'promoting') return undefined
  if (!state.ready) return 'not-ready'
  return state.health === 'unhealthy' ? 'unhealthy' : undefined
}

function whileNotMaster({ standing }: State, reason: Reason): Reason | undefined {
  return standing === 'promoting' ? undefined : reason
}
