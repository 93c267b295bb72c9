import { type AgentState, identityOf, mayBeMaster } from './agent-state.ts'
import { awaitsPositions, awaitsVacancy, CANVASS_MS, isBehind, isPositionOld } from './precedence.ts'
import { mustDemote } from './reduce.ts'
import { call, interrupt, type Transition, wakeAt, yielded } from './transition.ts'

/** Then `fence`, and again after a while: until the application is no master. */
export function demote(state: AgentState, nowMs: number): Transition | undefined {
  if (!mustDemote(state, nowMs)) return undefined
  if (state.call) return interrupt(state)
  if (state.demoteFailed) return call(state, 'fence')
  if (nowMs < state.retryAtMs || (state.stopping && state.stuck > 0)) return undefined
  if (state.traits.canDemote) return call(state, 'demote')
  return { state: { ...state, application: 'demoted', following: undefined }, actions: [] }
}

/** The lock is ours. */
export function becomeMaster(state: AgentState, nowMs: number): Transition | undefined {
  if (state.lock !== 'held' || state.yielding !== undefined || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state, 'ready')
  return state.acceptsLoss ? lead(state) : leadIfFirst(state, nowMs)
}

function lead(state: AgentState): Transition {
  return call({ ...state, application: 'promoting', following: undefined }, 'ensure-master')
}

/** Only when we may lead, and nobody has more than we. */
function leadIfFirst(state: AgentState, nowMs: number): Transition | undefined {
  if (awaitsVacancy(state, nowMs)) return wakeAt(state, state.leaderSinceMs + CANVASS_MS)
  if (!state.cleared || isPositionOld(state, nowMs)) return call(state, 'ready')
  if (isBehind(state, nowMs)) return yielded(state, 'behind')
  if (awaitsPositions(state, nowMs)) return wakeAt(state, state.leaderSinceMs + CANVASS_MS)
  return lead(state)
}

/** Every interval, while it leads. */
export function assertMaster(state: AgentState): Transition | undefined {
  if (!state.due || state.application !== 'master' || state.lock !== 'held' || state.call) return undefined
  if (state.switches.maintenance || state.yielding !== undefined) return undefined
  return call(state, 'ensure-master')
}

/** Only while we are no master, and while there is one to take the data from. */
export function reinitialize(state: AgentState): Transition | undefined {
  const { reinit, leader, lock, switches, call: under } = state
  if (under?.kind === 'reinit') {
    const isStale = reinit === undefined || leader === undefined || under.about !== identityOf(leader)
    return isStale ? interrupt(state) : undefined
  }
  if (reinit === undefined || !leader?.promoted || lock !== 'none' || switches.maintenance) return undefined
  if (state.stopping || mayBeMaster(state)) return undefined
  return under ? interrupt(state) : call(state, 'reinit', leader)
}

/** While unhealthy, too: it is what may heal a slave. */
export function assertSlave(state: AgentState): Transition | undefined {
  const { leader, lock, switches } = state
  if (!leader?.promoted || lock === 'held' || lock === 'releasing' || state.stopping || mayBeMaster(state))
    return undefined
  if (switches.disabled || switches.maintenance) return undefined
  const identity = identityOf(leader)
  if (state.call) {
    const isStale = state.call.kind === 'ensure-slave' && state.call.about !== identity
    return isStale ? interrupt(state) : undefined
  }
  // What has failed waits for the next interval, too.
  const wasTried = state.following === identity || state.failedToFollow === identity
  if (wasTried && !state.due) return undefined
  return call(state, 'ensure-slave', leader)
}

/** Nobody leads yet: the application runs, so that it can be asked how much it has. */
export function standBy(state: AgentState): Transition | undefined {
  const { leader, lock, switches, traits } = state
  if (!state.due || !traits.canStandBy || leader?.promoted || lock === 'held' || lock === 'releasing') return undefined
  if (state.call || state.stopping || mayBeMaster(state) || switches.disabled || switches.maintenance) return undefined
  return call(state, 'stand-by')
}
