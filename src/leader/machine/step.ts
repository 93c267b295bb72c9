import { decide, type Step } from './decide.ts'
import type { Event } from './event.ts'
import { reduce } from './reduce.ts'
import type { State } from './state.ts'

/**
 * One step of an agent: what happened, what it is now, and what it does about it. Pure; `nowMs` is read from a
 * monotonic clock.
 */
export function step(before: State, event: Event, nowMs: number): Step {
  const told = answer(before, reduce(before, event, nowMs), event, nowMs)
  const { state, actions } = decide(told.state, nowMs)
  const isPromoted = before.standing === 'promoting' && state.standing === 'master' && state.tenure === 'held'
  return { state, actions: [...told.actions, ...(isPromoted ? [{ kind: 'announce' } as const] : []), ...actions] }
}

/** What follows from the event itself: a request is taken or refused on the spot, a failure has its consequence. */
function answer(before: State, state: State, event: Event, nowMs: number): Step {
  if (state.tenure !== 'held') return { state, actions: [] }
  if (state.yielding !== undefined) {
    const isNew = before.tenure === 'held' && before.yielding === undefined
    return { state, actions: isNew ? [{ kind: 'yield', reason: state.yielding }] : [] }
  }
  if (event.kind !== 'step-down') return { state, actions: [] }
  const isEarly = nowMs - state.leaderSinceMs < state.traits.minLeaderMs
  if (isEarly && !event.force) return { state, actions: [{ kind: 'refuse-step-down' }] }
  return { state: { ...state, yielding: 'step-down' }, actions: [{ kind: 'yield', reason: 'step-down' }] }
}
