import type { AgentAction } from './agent-action.ts'
import { type AgentState, mayBeMaster } from './agent-state.ts'
import { reasonToYield, wantsLock } from './candidacy.ts'
import { judgeHandover } from './handover.ts'
import { mustDemote } from './reduce.ts'
import { interrupt, type Transition, wakeAt, yielded } from './transition.ts'

/** A reason to give the lock up is heeded at once. */
export function yieldLock(state: AgentState): Transition | undefined {
  if (state.lock !== 'held' || state.yielding !== undefined) return undefined
  const reason = reasonToYield(state)
  return reason && yielded(state, reason)
}

/** Not while the lock is about to go anyway: then whoever asked sees that. */
export function answerHandover(state: AgentState, nowMs: number): Transition | undefined {
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

/** Nothing helps, and we are to go: only the lock's own expiry is left, and until then nobody is beside us. */
export function abandon(state: AgentState, nowMs: number): Transition | undefined {
  if (!state.stopping || !mustDemote(state, nowMs) || state.call || state.stuck === 0) return undefined
  const finish: AgentAction = { kind: 'finish', clean: false }
  const actions: AgentAction[] = state.lock === 'held' ? [{ kind: 'abandon' }, finish] : [finish]
  return { state: { ...state, lock: 'none', finished: true }, actions }
}

/** The lock goes once the application can't be master any more. */
export function leaveLock(state: AgentState): Transition | undefined {
  const { lock, yielding } = state
  if (lock !== 'held' || yielding === undefined || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state)
  return { state: { ...state, lock: 'releasing' }, actions: [{ kind: 'release' }] }
}

/** An agent that may not lead any more stops waiting for the lock. */
export function leaveContest(state: AgentState, nowMs: number): Transition | undefined {
  if (state.lock !== 'contending' || wantsLock(state, nowMs)) return undefined
  return { state: { ...state, lock: 'withdrawing' }, actions: [{ kind: 'withdraw' }] }
}

/** Stopped, without the lock, and no master. */
export function finish(state: AgentState): Transition | undefined {
  if (!state.stopping || state.lock !== 'none' || mayBeMaster(state)) return undefined
  if (state.call) return interrupt(state)
  return { state: { ...state, finished: true }, actions: [{ kind: 'finish', clean: true }] }
}

/** Who may lead waits for the lock. */
export function contend(state: AgentState, nowMs: number): Transition | undefined {
  if (state.lock !== 'none' || !wantsLock(state, nowMs)) return undefined
  return { state: { ...state, lock: 'contending' }, actions: [{ kind: 'contend' }] }
}
