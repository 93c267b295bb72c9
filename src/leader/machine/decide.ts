import assert from 'node:assert'
import type { AgentAction } from './agent-action.ts'
import { type AgentState, mayBeMaster } from './agent-state.ts'
import { assertMaster, assertSlave, becomeMaster, demote, reinitialize, standBy } from './application-rules.ts'
import { abandon, answerHandover, contend, finish, leaveContest, leaveLock, yieldLock } from './lock-rules.ts'
import type { Rule, Transition } from './transition.ts'

/** In the order in which they come first: safety, then the lock, then the role. */
const RULES: readonly Rule[] = [
  yieldLock,
  answerHandover,
  demote,
  abandon,
  leaveLock,
  leaveContest,
  finish,
  contend,
  becomeMaster,
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
