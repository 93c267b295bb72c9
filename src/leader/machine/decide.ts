import assert from 'node:assert'
import type { AgentAction } from './agent-action.ts'
import {
  type AgentState,
  type ApplicationCall,
  identityOf,
  isStray,
  type Leader,
  mayBeMaster,
  type YieldReason,
} from './agent-state.ts'
import { reasonToYield, wantsLock } from './candidacy.ts'
import { judgeHandover } from './handover.ts'
import { awaitsPositions, awaitsVacancy, CANVASS_MS, isBehind, isPositionOld } from './precedence.ts'
import { follows, mustDemote } from './reduce.ts'

/** What an agent does next, and what it is from then on. */
export interface Transition {
  readonly state: AgentState
  readonly actions: readonly AgentAction[]
}

type Rule = (state: AgentState, nowMs: number) => Transition | undefined

/** In the order in which they come first: safety, then the lock, then the role. */
const RULES: readonly Rule[] = [
  yieldLock,
  handOver,
  demote,
  abandon,
  release,
  leaveContest,
  finish,
  contend,
  promote,
  assertMaster,
  reinitialize,
  assertSlave,
  standBy,
]

/** Decides until there is nothing more to do for now. */
export function decideActions(state: AgentState, nowMs: number): Transition {
  const actions: AgentAction[] = []
  let now = state
  for (let next = first(now, nowMs); next !== undefined; next = first(now, nowMs)) {
    for (const action of next.actions) assertSafe(now, action)
    actions.push(...next.actions)
    now = next.state
  }
  return { state: { ...now, due: false }, actions }
}

/** Whatever the rules say: nobody is master without the lock, and nobody else gets it while we may be. */
function assertSafe(state: AgentState, action: AgentAction): void {
  if (action.kind === 'release') assert(!mayBeMaster(state), 'the lock is kept while the application may be master')
  if (action.kind !== 'call' || action.call !== 'ensure-master') return
  assert(state.lock === 'held' && state.yielding === undefined, 'nobody becomes master without the lock')
}

function first(state: AgentState, nowMs: number): Transition | undefined {
  if (state.finished) return undefined
  for (const rule of RULES) {
    const step = rule(state, nowMs)
    if (step) return step
  }
  return undefined
}

function yieldLock(state: AgentState): Transition | undefined {
  if (state.lock !== 'held' || state.yielding !== undefined) return undefined
  const reason = reasonToYield(state)
  return reason && yielded(state, reason)
}

/** Not while the lock is about to go anyway: then whoever asked sees that. */
function handOver(state: AgentState, nowMs: number): Transition | undefined {
  const { handover } = state
  if (!handover) return undefined
  const { index } = handover
  const closed = { ...state, handover: undefined }
  if (state.lock !== 'held' || state.yielding !== undefined) {
    return { state: closed, actions: [{ kind: 'grant-step-down', index }] }
  }
  const verdict = judgeHandover(state, handover, nowMs)
  switch (verdict.kind) {
    case 'wait':
      return wakeAt(state, verdict.untilMs)
    case 'refused':
      return { state: closed, actions: [{ kind: 'refuse-step-down', index, why: verdict.why }] }
    case 'agreed': {
      const { successor } = verdict
      const goes: AgentAction = { kind: 'yield', reason: 'step-down', successor }
      return { state: { ...closed, yielding: 'step-down' }, actions: [{ kind: 'grant-step-down', index }, goes] }
    }
  }
}

function yielded(state: AgentState, reason: YieldReason): Transition {
  return { state: { ...state, yielding: reason }, actions: [{ kind: 'yield', reason }] }
}

function wakeAt(state: AgentState, atMs: number): Transition | undefined {
  if (state.wakeAtMs !== undefined && state.wakeAtMs <= atMs) return undefined
  return { state: { ...state, wakeAtMs: atMs }, actions: [{ kind: 'wake', atMs }] }
}

function demote(state: AgentState, nowMs: number): Transition | undefined {
  if (!mustDemote(state, nowMs)) return undefined
  if (state.call) return interrupt(state)
  if (state.demoteFailed) return call(state, 'fence')
  if (nowMs < state.retryAtMs || (state.stopping && state.stuck > 0)) return undefined
  if (state.traits.canDemote) return call(state, 'demote')
  return { state: { ...state, application: 'demoted', following: undefined }, actions: [] }
}

/** Nothing helps, and we are to go: only the lock's own expiry is left, and until then nobody is beside us. */
function abandon(state: AgentState, nowMs: number): Transition | undefined {
  if (!state.stopping || !mustDemote(state, nowMs) || state.call || state.stuck === 0) return undefined
  const finish: AgentAction = { kind: 'finish', clean: false }
  const actions: AgentAction[] = state.lock === 'held' ? [{ kind: 'abandon' }, finish] : [finish]
  return { state: { ...state, lock: 'none', finished: true }, actions }
}

function release(state: AgentState): Transition | undefined {
  const { lock, yielding } = state
  if (lock !== 'held' || yielding === undefined || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state)
  return { state: { ...state, lock: 'releasing' }, actions: [{ kind: 'release' }] }
}

function leaveContest(state: AgentState, nowMs: number): Transition | undefined {
  if (state.lock !== 'contending' || wantsLock(state, nowMs)) return undefined
  return { state: { ...state, lock: 'withdrawing' }, actions: [{ kind: 'withdraw' }] }
}

function finish(state: AgentState): Transition | undefined {
  if (!state.stopping || state.lock !== 'none' || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state)
  return { state: { ...state, finished: true }, actions: [{ kind: 'finish', clean: true }] }
}

function contend(state: AgentState, nowMs: number): Transition | undefined {
  if (state.lock !== 'none' || !wantsLock(state, nowMs)) return undefined
  return { state: { ...state, lock: 'contending' }, actions: [{ kind: 'contend' }] }
}

function promote(state: AgentState, nowMs: number): Transition | undefined {
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

function assertMaster(state: AgentState): Transition | undefined {
  if (!state.due || state.application !== 'master' || state.lock !== 'held' || state.call) return undefined
  if (state.switches.maintenance || state.yielding !== undefined) return undefined
  return call({ ...state, due: false }, 'ensure-master')
}

/** Only for who is no master, and while there is one to take the data from. */
function reinitialize(state: AgentState): Transition | undefined {
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
function assertSlave(state: AgentState): Transition | undefined {
  const { leader, lock, switches } = state
  if (!leader?.promoted || lock === 'held' || lock === 'releasing' || state.stopping || mayBeMaster(state))
    return undefined
  if (switches.disabled || switches.maintenance) return undefined
  const identity = identityOf(leader)
  if (state.call) {
    const isStale = state.call.kind === 'ensure-slave' && state.call.about !== identity
    return isStale ? interrupt(state) : undefined
  }
  if (follows(state) && !state.due) return undefined
  // What has failed waits for the next interval.
  if (state.lastTried === identity && !state.due) return undefined
  return call({ ...state, due: false, lastTried: identity }, 'ensure-slave', leader)
}

/** Nobody leads yet: the application runs, so that it can be asked how much it has. */
function standBy(state: AgentState): Transition | undefined {
  const { leader, lock, switches, traits } = state
  if (!state.due || !traits.canStandBy || leader?.promoted || lock === 'held' || lock === 'releasing') return undefined
  if (state.call || state.stopping || mayBeMaster(state) || switches.disabled || switches.maintenance) return undefined
  return call({ ...state, due: false }, 'stand-by')
}

function call(state: AgentState, kind: ApplicationCall, leader?: Leader): Transition {
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
function interrupt(state: AgentState, but?: ApplicationCall): Transition | undefined {
  if (!state.call || state.call.interrupted || state.call.kind === but || UNCUT.includes(state.call.kind)) {
    return undefined
  }
  return { state: { ...state, call: { ...state.call, interrupted: true } }, actions: [{ kind: 'interrupt' }] }
}
