import type { AgentEvent } from './agent-event.ts'
import { type AgentState, isStray, type Leader } from './agent-state.ts'
import { withTarget } from './handover.ts'
import type { HandoverRequest } from './handover-request.ts'
import { PRECEDENCE_MS } from './precedence.ts'

/** What a master that hands over leaves to the others, before it is a candidate again. */
const HANDOVER_REST_MS = 10_000
const NOT_READY_REST_MS = 2000
const FIRST_REST_MS = 10_000
/** When nobody else can be made master either, this is the longest that a cured application waits for us. */
const LONGEST_REST_MS = 30_000
/** A master that can be neither demoted nor fenced is tried again after this. */
const STUCK_RETRY_MS = 2000
/** For so long an application that may be master without the lock waits for Consul to say that it is in maintenance. */
const SWITCHES_MS = 5000
/** So many assertions of a master may fail in a row. */
const ASSERTIONS = 3

/** What is known after an event. It decides nothing. */
export function reduce(state: AgentState, event: AgentEvent, nowMs: number): AgentState {
  switch (event.kind) {
    case 'health':
      return looked(state, event, nowMs)
    case 'ready':
      return { ...state, ready: event.ready, own: event.own }
    case 'accepted-loss':
      return { ...state, acceptsLoss: event.accepted }
    case 'position':
      return withTarget({ ...state, own: event.own })
    case 'positions':
      return { ...state, occasion: event.occasion, said: event.said }
    case 'switches':
      return { ...state, switches: event.switches, switchesSeen: true }
    case 'peers':
      return { ...state, peers: event.peers }
    case 'succession':
      return { ...state, lastMaster: event.lastMaster, successor: event.successor }
    case 'leader':
      return led(state, event.leader, nowMs)
    case 'won':
      return won(state, nowMs)
    case 'withdrawn':
      return state.lock === 'held' ? state : { ...state, lock: 'none' }
    case 'lost':
      return state.lock === 'held' ? { ...withoutLock(state, nowMs), hurried: event.hurried } : state
    case 'released':
      return state.lock === 'releasing' ? rested(state, nowMs) : state
    case 'called':
      return called(state, event, nowMs)
    case 'step-down':
      return asked(state, event.request, nowMs)
    case 'reinit':
      return { ...state, reinit: event.id }
    case 'stop':
      return { ...state, stopping: true }
    case 'tick':
      return { ...state, due: true }
    case 'wake':
      return { ...state, wakeAtMs: undefined }
  }
}

function looked(
  state: AgentState,
  { healthy, role }: Extract<AgentEvent, { kind: 'health' }>,
  nowMs: number,
): AgentState {
  // What is being demoted may be closed already, but that it stays so only the demotion's success says.
  const isSettled = state.call?.kind !== 'demote' && state.call?.kind !== 'fence'
  const isSlave = state.application === 'unknown' && role === 'slave' && isSettled
  return {
    ...state,
    health: healthy ? 'healthy' : 'unhealthy',
    found: isSettled ? role : state.found,
    firstLookMs: state.firstLookMs ?? nowMs,
    ...(isSlave ? { application: 'slave' } : {}),
  }
}

/** The same request may be told again and again, until Consul knows what has become of it. */
function asked(state: AgentState, request: HandoverRequest, nowMs: number): AgentState {
  if (state.lock !== 'held' || state.lastRequest === request.index) return state
  return { ...state, lastRequest: request.index, handover: { ...request, sinceMs: nowMs, target: undefined } }
}

/** Once somebody else has taken over what we handed over, we are wanted should that one fall. */
function led(state: AgentState, leader: Leader | undefined, nowMs: number): AgentState {
  const isTakenOver = state.handedOver && leader?.promoted === true
  return {
    ...state,
    leader,
    lockFreeSinceMs: leader ? undefined : (state.lockFreeSinceMs ?? nowMs),
    ...(isTakenOver ? { restUntilMs: 0 } : {}),
    ...(leader?.promoted ? { courtesyUntilMs: undefined } : {}),
  }
}

function won(state: AgentState, nowMs: number): AgentState {
  return {
    ...state,
    lock: 'held',
    leaderSinceMs: nowMs,
    yielding: state.lock === 'withdrawing' ? 'not-wanted' : undefined,
    hurried: false,
    cleared: !state.traits.asksReadiness,
    leader: undefined,
    lockFreeSinceMs: undefined,
    failedAssertions: 0,
    failedToFollow: undefined,
  }
}

function withoutLock(state: AgentState, nowMs: number): AgentState {
  return { ...state, lock: 'none', yielding: undefined, lockFreeSinceMs: nowMs }
}

function rested(state: AgentState, nowMs: number): AgentState {
  const restUntilMs = Math.max(state.restUntilMs, nowMs + restAfter(state))
  const courtesyUntilMs = state.courtesyUntilMs ?? (state.yielding === 'behind' ? nowMs + PRECEDENCE_MS : undefined)
  return { ...withoutLock(state, nowMs), restUntilMs, courtesyUntilMs, handedOver: state.yielding === 'step-down' }
}

function restAfter({ yielding, failedPromotions }: AgentState): number {
  if (yielding === 'step-down') return HANDOVER_REST_MS
  if (yielding === 'not-ready') return NOT_READY_REST_MS
  if (yielding !== 'promotion-failed' && yielding !== 'mastery-failed') return 0
  return Math.min(FIRST_REST_MS * 2 ** Math.max(0, failedPromotions - 1), LONGEST_REST_MS)
}

type CalledEvent = Extract<AgentEvent, { kind: 'called' }>

function called(before: AgentState, event: CalledEvent, nowMs: number): AgentState {
  const { call, ok, position } = event
  const { interrupted = false, about = '' } = before.call ?? {}
  const state: AgentState = { ...before, call: undefined }
  switch (call) {
    case 'ready':
      if (interrupted) return state
      return {
        ...state,
        ready: ok,
        cleared: ok,
        own: position === undefined ? undefined : { position, occasion: about },
      }
    case 'ensure-slave':
      if (interrupted) return { ...state, following: undefined, failedToFollow: undefined }
      return ok
        ? { ...state, application: 'slave', following: about, failedToFollow: undefined }
        : { ...state, following: undefined, failedToFollow: about }
    case 'stand-by':
      if (!ok || interrupted) return state
      return { ...state, application: 'slave', following: undefined, failedToFollow: undefined }
    case 'reinit':
      // What was interrupted is done anew, with whoever leads then.
      return {
        ...state,
        following: undefined,
        failedToFollow: undefined,
        reinit: interrupted ? state.reinit : undefined,
      }
    case 'ensure-master':
      return interrupted ? state : asserted(state, ok)
    case 'demote':
      return ok ? subdued(state, 'demoted') : demoteFailed(state, nowMs)
    case 'fence':
      return ok ? subdued(state, 'fenced') : stuck(state, nowMs)
  }
}

function asserted(state: AgentState, ok: boolean): AgentState {
  if (ok) return mastered(state)
  const { failedPromotions, failedAssertions } = state
  if (state.application === 'promoting') {
    return { ...state, failedPromotions: failedPromotions + 1, yielding: state.yielding ?? 'promotion-failed' }
  }
  if (failedAssertions + 1 < ASSERTIONS) return { ...state, failedAssertions: failedAssertions + 1 }
  return { ...state, failedPromotions: failedPromotions + 1, yielding: state.yielding ?? 'mastery-failed' }
}

function mastered(state: AgentState): AgentState {
  const counts = { failedPromotions: 0, failedAssertions: 0, courtesyUntilMs: undefined, acceptsLoss: false }
  return { ...state, ...counts, application: 'master', following: undefined }
}

function subdued(state: AgentState, application: 'demoted' | 'fenced'): AgentState {
  return {
    ...state,
    application,
    // What was seen before says nothing any more.
    found: undefined,
    following: undefined,
    stuck: 0,
    retryAtMs: 0,
    demoteFailed: false,
  }
}

function demoteFailed(state: AgentState, nowMs: number): AgentState {
  return state.traits.canFence ? { ...state, demoteFailed: true } : stuck(state, nowMs)
}

function stuck(state: AgentState, nowMs: number): AgentState {
  return { ...state, stuck: state.stuck + 1, retryAtMs: nowMs + STUCK_RETRY_MS, demoteFailed: false }
}

/** Whether the application must be demoted now. */
export function mustDemote(state: AgentState, nowMs: number): boolean {
  if (state.application !== 'promoting' && state.application !== 'master') {
    return isStray(state) && isLookedInto(state, nowMs)
  }
  return state.lock !== 'held' || state.yielding !== undefined
}

/** Nothing is done to a stray before it was asked what it is, and Consul whether anything may be done. */
function isLookedInto({ firstLookMs, switchesSeen }: AgentState, nowMs: number): boolean {
  return firstLookMs !== undefined && (switchesSeen || nowMs - firstLookMs >= SWITCHES_MS)
}
