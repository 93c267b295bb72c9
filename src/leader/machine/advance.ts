import type { AgentEvent } from './agent-event.ts'
import type { AgentState } from './agent-state.ts'
import { decideActions } from './decide.ts'
import { reduce } from './reduce.ts'
import type { Transition } from './transition.ts'

/**
 * One step of an agent: what happened, what it is now, and what it does about it. Pure; `nowMs` is read from a
 * monotonic clock.
 */
export function advance(before: AgentState, event: AgentEvent, nowMs: number): Transition {
  const told = answer(before, reduce(before, event, nowMs))
  const { state, actions } = decideActions(told.state, nowMs)
  const isPromoted = before.application === 'promoting' && state.application === 'master' && state.lock === 'held'
  return { state, actions: [...told.actions, ...(isPromoted ? [{ kind: 'announce' } as const] : []), ...actions] }
}

/** What follows from the event itself: a failure has its consequence on the spot. */
function answer(before: AgentState, state: AgentState): Transition {
  const isNew = before.lock === 'held' && before.yielding === undefined
  if (!isNew || state.yielding === undefined) return { state, actions: [] }
  return { state, actions: [{ kind: 'yield', reason: state.yielding }] }
}
