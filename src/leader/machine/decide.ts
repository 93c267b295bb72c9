import type { Action } from './action.ts'
import { reasonToYield, wantsLock } from './candidacy.ts'
import { follows, mustDemote } from './reduce.ts'
import { type Call, identityOf, type Leader, mayBeMaster, type State } from './state.ts'

/** What an agent does next, and what it is from then on. */
export interface Step {
  readonly state: State
  readonly actions: readonly Action[]
}

type Rule = (state: State, nowMs: number) => Step | undefined

/** In the order in which they come first: safety, then the lock, then the role. */
const RULES: readonly Rule[] = [
  yieldLock,
  demote,
  abandon,
  release,
  leaveContest,
  finish,
  contend,
  promote,
  assertMaster,
  assertSlave,
]

/** Decides until there is nothing more to do for now. */
export function decide(state: State, nowMs: number): Step {
  const actions: Action[] = []
  let now = state
  for (let next = first(now, nowMs); next !== undefined; next = first(now, nowMs)) {
    actions.push(...next.actions)
    now = next.state
  }
  return { state: { ...now, due: false }, actions }
}

function first(state: State, nowMs: number): Step | undefined {
  if (state.finished) return undefined
  for (const rule of RULES) {
    const step = rule(state, nowMs)
    if (step) return step
  }
  return undefined
}

function yieldLock(state: State): Step | undefined {
  if (state.tenure !== 'held' || state.yielding !== undefined) return undefined
  const reason = reasonToYield(state)
  return reason && { state: { ...state, yielding: reason }, actions: [{ kind: 'yield', reason }] }
}

function demote(state: State, nowMs: number): Step | undefined {
  if (!mustDemote(state)) return undefined
  if (state.call) return interrupt(state, ['demote', 'fence'])
  if (state.demoteFailed) return call(state, 'fence')
  if (nowMs < state.retryAtMs || (state.stopping && state.stuck > 0)) return undefined
  if (state.traits.canDemote) return call(state, 'demote')
  return { state: { ...state, standing: 'demoted', following: undefined }, actions: [] }
}

/** Nothing helps, and we are to go: only the lock's own expiry is left, and until then nobody is beside us. */
function abandon(state: State): Step | undefined {
  if (!state.stopping || !mustDemote(state) || state.call || state.stuck === 0) return undefined
  const finish: Action = { kind: 'finish', clean: false }
  const actions: Action[] = state.tenure === 'held' ? [{ kind: 'abandon' }, finish] : [finish]
  return { state: { ...state, tenure: 'none', finished: true }, actions }
}

function release(state: State): Step | undefined {
  const { tenure, yielding } = state
  if (tenure !== 'held' || yielding === undefined || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state, [])
  return { state: { ...state, tenure: 'releasing' }, actions: [{ kind: 'release' }] }
}

function leaveContest(state: State, nowMs: number): Step | undefined {
  if (state.tenure !== 'contending' || wantsLock(state, nowMs)) return undefined
  return { state: { ...state, tenure: 'withdrawing' }, actions: [{ kind: 'withdraw' }] }
}

function finish(state: State): Step | undefined {
  if (!state.stopping || state.tenure !== 'none' || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state, [])
  return { state: { ...state, finished: true }, actions: [{ kind: 'finish', clean: true }] }
}

function contend(state: State, nowMs: number): Step | undefined {
  if (state.tenure !== 'none' || !wantsLock(state, nowMs)) return undefined
  return { state: { ...state, tenure: 'contending' }, actions: [{ kind: 'contend' }] }
}

function promote(state: State): Step | undefined {
  if (state.tenure !== 'held' || state.yielding !== undefined || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state, ['ready'])
  if (!state.cleared) return call(state, 'ready')
  return call({ ...state, standing: 'promoting', following: undefined }, 'ensure-master')
}

function assertMaster(state: State): Step | undefined {
  if (!state.due || state.standing !== 'master' || state.tenure !== 'held' || state.call) return undefined
  if (state.switches.maintenance || state.yielding !== undefined) return undefined
  return call({ ...state, due: false }, 'ensure-master')
}

/** While unhealthy, too: it is what may heal a slave. */
function assertSlave(state: State): Step | undefined {
  const { leader, tenure, switches } = state
  if (!leader?.promoted || tenure === 'held' || tenure === 'releasing' || state.stopping || mayBeMaster(state))
    return undefined
  if (switches.disabled || switches.maintenance) return undefined
  const identity = identityOf(leader)
  if (state.call) {
    const isStale = state.call.kind === 'ensure-slave' && state.call.about !== identity
    return isStale ? interrupt(state, []) : undefined
  }
  if (follows(state) && !state.due) return undefined
  // What has failed waits for the next interval.
  if (state.lastTried === identity && !state.due) return undefined
  return call({ ...state, due: false, lastTried: identity }, 'ensure-slave', leader)
}

function call(state: State, kind: Call, leader?: Leader): Step {
  const about = leader && identityOf(leader)
  return {
    state: { ...state, call: { kind, about, interrupted: false } },
    actions: [{ kind: 'call', call: kind, leader, hurried: state.hurried }],
  }
}

/** Ends the call under way unless it is one of these, or is being ended already. */
function interrupt(state: State, but: readonly Call[]): Step | undefined {
  if (!state.call || state.call.interrupted || but.includes(state.call.kind)) return undefined
  return { state: { ...state, call: { ...state.call, interrupted: true } }, actions: [{ kind: 'interrupt' }] }
}
