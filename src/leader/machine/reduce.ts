import type { Event } from './event.ts'
import { identityOf, type Leader, mayBeMaster, type State } from './state.ts'

/** What a master that hands over leaves to the others, before it is a candidate again. */
const HANDOVER_REST_MS = 10_000
const NOT_READY_REST_MS = 2000
const FIRST_REST_MS = 10_000
const LONGEST_REST_MS = 300_000
/** A master that can be neither demoted nor fenced is tried again after this. */
const STUCK_RETRY_MS = 2000
/** So many assertions of a master may fail in a row. */
const ASSERTIONS = 3

/** What is known after an event. It decides nothing. */
export function reduce(state: State, event: Event, nowMs: number): State {
  switch (event.kind) {
    case 'health':
      return { ...state, health: event.healthy ? 'healthy' : 'unhealthy' }
    case 'ready':
      return { ...state, ready: event.ready }
    case 'switches':
      return { ...state, switches: event.switches }
    case 'outranked':
      return { ...state, outranked: event.outranked }
    case 'leader':
      return led(state, event.leader, nowMs)
    case 'won':
      return won(state, nowMs)
    case 'withdrawn':
      return state.tenure === 'held' ? state : { ...state, tenure: 'none' }
    case 'lost':
      return state.tenure === 'held' ? { ...withoutLock(state, nowMs), hurried: event.hurried } : state
    case 'released':
      return state.tenure === 'releasing' ? rested(state, nowMs) : state
    case 'called':
      return called(state, event, nowMs)
    case 'step-down':
      return state
    case 'stop':
      return { ...state, stopping: true }
    case 'tick':
      return { ...state, due: true }
  }
}

/** Once somebody else has taken over what we handed over, we are wanted should that one fall. */
function led(state: State, leader: Leader | undefined, nowMs: number): State {
  const isTakenOver = state.handedOver && leader?.promoted === true
  return {
    ...state,
    leader,
    lockFreeSinceMs: leader ? undefined : (state.lockFreeSinceMs ?? nowMs),
    ...(isTakenOver ? { handedOver: false, restUntilMs: 0 } : {}),
  }
}

function won(state: State, nowMs: number): State {
  return {
    ...state,
    tenure: 'held',
    leaderSinceMs: nowMs,
    yielding: state.tenure === 'withdrawing' ? 'not-wanted' : undefined,
    hurried: false,
    cleared: !state.traits.asksReadiness,
    leader: undefined,
    lockFreeSinceMs: undefined,
    failedAssertions: 0,
    lastTried: undefined,
  }
}

function withoutLock(state: State, nowMs: number): State {
  return { ...state, tenure: 'none', yielding: undefined, cleared: false, lockFreeSinceMs: nowMs }
}

function rested(state: State, nowMs: number): State {
  const restUntilMs = Math.max(state.restUntilMs, nowMs + restAfter(state))
  return { ...withoutLock(state, nowMs), restUntilMs, handedOver: state.yielding === 'step-down' }
}

function restAfter({ yielding, failedPromotions }: State): number {
  if (yielding === 'step-down') return HANDOVER_REST_MS
  if (yielding === 'not-ready') return NOT_READY_REST_MS
  if (yielding !== 'promotion-failed' && yielding !== 'mastery-failed') return 0
  return Math.min(FIRST_REST_MS * 2 ** Math.max(0, failedPromotions - 1), LONGEST_REST_MS)
}

function called(before: State, { call, ok }: Extract<Event, { kind: 'called' }>, nowMs: number): State {
  const { interrupted = false, about } = before.call ?? {}
  const state: State = { ...before, call: undefined }
  switch (call) {
    case 'ready':
      return interrupted ? state : { ...state, ready: ok, cleared: ok }
    case 'ensure-slave':
      if (interrupted) return { ...state, following: undefined, lastTried: undefined }
      return ok ? { ...state, standing: 'slave', following: about } : { ...state, following: undefined }
    case 'ensure-master':
      return interrupted ? state : asserted(state, ok)
    case 'demote':
      return ok ? subdued(state, 'demoted') : demoteFailed(state, nowMs)
    case 'fence':
      return ok ? subdued(state, 'fenced') : stuck(state, nowMs)
  }
}

function asserted(state: State, ok: boolean): State {
  if (ok) return { ...state, standing: 'master', following: undefined, failedPromotions: 0, failedAssertions: 0 }
  const { failedPromotions, failedAssertions } = state
  if (state.standing === 'promoting') {
    return { ...state, failedPromotions: failedPromotions + 1, yielding: state.yielding ?? 'promotion-failed' }
  }
  if (failedAssertions + 1 < ASSERTIONS) return { ...state, failedAssertions: failedAssertions + 1 }
  return { ...state, failedPromotions: failedPromotions + 1, yielding: state.yielding ?? 'mastery-failed' }
}

function subdued(state: State, standing: 'demoted' | 'fenced'): State {
  return { ...state, standing, following: undefined, stuck: 0, retryAtMs: 0, demoteFailed: false }
}

function demoteFailed(state: State, nowMs: number): State {
  return state.traits.canFence ? { ...state, demoteFailed: true } : stuck(state, nowMs)
}

function stuck(state: State, nowMs: number): State {
  return { ...state, stuck: state.stuck + 1, retryAtMs: nowMs + STUCK_RETRY_MS, demoteFailed: false }
}

/** Whether the application follows this leader. */
export function follows(state: State): boolean {
  return state.leader !== undefined && state.standing === 'slave' && state.following === identityOf(state.leader)
}

/** Whether the application must be demoted now. */
export function mustDemote(state: State): boolean {
  return mayBeMaster(state) && (state.tenure !== 'held' || state.yielding !== undefined)
}
