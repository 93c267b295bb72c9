import type { Peer } from './agent-peer.ts'
import type { AgentState } from './agent-state.ts'
import { isVacancy } from './occasion.ts'

/** How long a lesser candidate leaves the lock to a better one. */
export const PRECEDENCE_MS = 3000
/** How long the winner of the lock waits for the others' positions. */
export const CANVASS_MS = 1000

/** Whether the lock is rather that one's than ours: by a hand-over's will, by what it has, by its priority. */
export function isBetter(state: AgentState, peer: Peer): boolean {
  const { successor, traits } = state
  if (!peer.isCandidate || successor === traits.node) return false
  if (successor === peer.node) return true
  const [own, theirs] = [ownPosition(state), positionOf(state, peer)]
  if (own !== undefined && theirs !== undefined && own !== theirs) return theirs > own
  return peer.priority > traits.priority
}

/** Until when we leave the lock to a better candidate; then whoever is there may lead. */
export function courtesyEndMs({ courtesyUntilMs, lockFreeSinceMs }: AgentState): number {
  if (courtesyUntilMs !== undefined) return courtesyUntilMs
  return lockFreeSinceMs === undefined ? Number.POSITIVE_INFINITY : lockFreeSinceMs + PRECEDENCE_MS
}

/** Whether the winner of the lock should pass it on: a better one is there for sure, for it has just spoken. */
export function isBehind(state: AgentState, nowMs: number): boolean {
  if (state.courtesyUntilMs !== undefined && nowMs >= state.courtesyUntilMs) return false
  return state.peers.some((peer) => isBetter(state, peer) && hasSpoken(state, peer))
}

function hasSpoken(state: AgentState, { node }: Peer): boolean {
  return node === state.successor || (state.own !== undefined && isVacancy(state.occasion) && state.said.has(node))
}

/** Whether the winner of the lock has yet to hear that the last master is gone. */
export function awaitsVacancy(state: AgentState, nowMs: number): boolean {
  return isCanvassing(state, nowMs) && !isVacancy(state.occasion)
}

/** Whether the winner of the lock should wait for what others say. */
export function awaitsPositions(state: AgentState, nowMs: number): boolean {
  const isSilent = ({ node, isCandidate }: Peer) => isCandidate && !state.said.has(node)
  return isCanvassing(state, nowMs) && state.peers.some(isSilent)
}

/** Whether our own position is of another time, and it is not too late to ask anew. */
export function isPositionOld(state: AgentState, nowMs: number): boolean {
  return isCanvassing(state, nowMs) && isVacancy(state.occasion) && state.own?.occasion !== state.occasion
}

/** A winner that has given way once waits no more. */
function isCanvassing({ own, leaderSinceMs, peers, courtesyUntilMs }: AgentState, nowMs: number): boolean {
  if (own === undefined || courtesyUntilMs !== undefined) return false
  return nowMs < leaderSinceMs + CANVASS_MS && peers.some(({ isCandidate }) => isCandidate)
}

/** Positions are compared only while nobody writes. */
function ownPosition({ own, occasion }: AgentState): bigint | undefined {
  return isVacancy(occasion) && own?.occasion === occasion ? own.position : undefined
}

function positionOf({ said, occasion }: AgentState, { node }: Peer): bigint | undefined {
  return isVacancy(occasion) ? said.get(node) : undefined
}
