import type { AgentAction } from './agent-action.ts'
import {
  type AgentState,
  type ApplicationCall,
  identityOf,
  isStray,
  type Leader,
  type YieldReason,
} from './agent-state.ts'

/** What an agent does next, and what it is from then on. */
export interface Transition {
  readonly state: AgentState
  readonly actions: readonly AgentAction[]
}

/** Decides one thing; `undefined`: it has nothing to say. `nowMs` is of the monotonic clock. */
export type Rule = (state: AgentState, nowMs: number) => Transition | undefined

/** Holds the lock no longer than it takes to be no master. */
export function yielded(state: AgentState, reason: YieldReason): Transition {
  return { state: { ...state, yielding: reason }, actions: [{ kind: 'yield', reason }] }
}

/** Has the machine look again at a time of the monotonic clock, unless it will before. */
export function wakeAt(state: AgentState, atMs: number): Transition | undefined {
  if (state.wakeAtMs !== undefined && state.wakeAtMs <= atMs) return undefined
  return { state: { ...state, wakeAtMs: atMs }, actions: [{ kind: 'wake', atMs }] }
}

/** Begins a call of the application. */
export function call(state: AgentState, kind: ApplicationCall, leader?: Leader): Transition {
  const about = kind === 'ready' ? state.occasion : leader && identityOf(leader)
  return {
    state: { ...state, call: { kind, about, interrupted: false } },
    actions: [{ kind: 'call', call: kind, leader, hurried: isHurried(state) }],
  }
}

/** Somebody else may be master already. */
function isHurried(state: AgentState): boolean {
  return state.hurried || (isStray(state) && state.leader !== undefined)
}

/** What keeps others from being master beside us is never cut short, whatever comes meanwhile. */
const UNCUT: readonly ApplicationCall[] = ['demote', 'fence']

/** Ends the call under way unless it is this one, must not be cut short, or is being ended already. */
export function interrupt(state: AgentState, but?: ApplicationCall): Transition | undefined {
  if (!state.call || state.call.interrupted || state.call.kind === but || UNCUT.includes(state.call.kind)) {
    return undefined
  }
  return { state: { ...state, call: { ...state.call, interrupted: true } }, actions: [{ kind: 'interrupt' }] }
}
