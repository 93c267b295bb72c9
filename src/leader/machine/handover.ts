import type { Peer } from './agent-peer.ts'
import type { AgentState } from './agent-state.ts'
import type { Handover } from './handover-request.ts'
import { handoverAskedAt } from './occasion.ts'

/** What becomes of a request. */
export type HandoverVerdict =
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'agreed'; readonly successor: string | undefined }

/** So long all candidates are waited for, though one has caught up already. */
const ALL_MS = 1000
/** So long a candidate has for catching up with what we had. */
const CATCHING_UP_MS = 5000

/** Whether a master may hand over now, and to whom. */
export function judgeHandover(state: AgentState, handover: Handover, nowMs: number): HandoverVerdict {
  const { force, sinceMs } = handover
  const refusal = refusalAtOnce(state, handover, nowMs)
  if (refusal !== undefined) return { kind: 'refused', why: refusal }
  const candidates = candidatesFor(state, handover)
  const target = handover.target ?? state.own?.position
  // Nobody says how much there is: any candidate will do.
  if (target === undefined || candidates.length === 0) return { kind: 'agreed', successor: handover.candidate }
  const isOpen = candidates.some(({ node }) => !state.said.has(node))
  const best = bestOf(state, candidates, target)
  const isEnough = best !== undefined && (!isOpen || nowMs >= sinceMs + ALL_MS)
  if (isEnough && handover.target !== undefined) return { kind: 'agreed', successor: best.node }
  if (nowMs < sinceMs + CATCHING_UP_MS) {
    const nextMs = nowMs < sinceMs + ALL_MS ? sinceMs + ALL_MS : sinceMs + CATCHING_UP_MS
    return { kind: 'wait', untilMs: nextMs }
  }
  if (best) return { kind: 'agreed', successor: best.node }
  const nearest = candidates.toSorted((one, other) => compare(saidBy(state, other), saidBy(state, one)))[0]
  if (force) return { kind: 'agreed', successor: nearest?.node }
  return { kind: 'refused', why: lackSentence(state, nearest, target) }
}

function refusalAtOnce(state: AgentState, handover: Handover, nowMs: number): string | undefined {
  const { traits, leaderSinceMs, peers } = state
  const { force, candidate } = handover
  if (state.switches.maintenance) return 'it is in maintenance'
  if (!force && nowMs - leaderSinceMs < traits.minLeaderMs) {
    return `a master stays for ${traits.minLeaderMs / 1000}s (min_leader_time)`
  }
  if (candidate === traits.node) return `${candidate} is the master`
  if (candidate !== undefined && !peers.some(({ node }) => node === candidate)) return `no agent is on ${candidate}`
  if (candidatesFor(state, handover).length > 0 || (force && candidate === undefined)) return undefined
  return candidate === undefined
    ? 'no other node is ready to become master'
    : `${candidate} is not ready to become master`
}

function candidatesFor({ peers }: AgentState, { candidate }: Handover): Peer[] {
  return peers.filter(({ node, isCandidate }) => isCandidate && (candidate === undefined || node === candidate))
}

/** Of those that have caught up, the one of the highest priority. */
function bestOf(state: AgentState, candidates: readonly Peer[], target: bigint): Peer | undefined {
  const enough = target - state.traits.maxLag
  return candidates
    .filter(({ node }) => (state.said.get(node) ?? -1n) >= enough)
    .toSorted((one, other) => other.priority - one.priority || compare(saidBy(state, other), saidBy(state, one)))[0]
}

function saidBy({ said }: AgentState, { node }: Peer): bigint {
  return said.get(node) ?? -1n
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other)
}

function lackSentence(state: AgentState, nearest: Peer | undefined, target: bigint): string {
  const has = nearest && state.said.get(nearest.node)
  if (has === undefined) return `${nearest?.node} doesn't say how much it has`
  return `${nearest?.node} lacks ${target - has} of what ${state.traits.node} has (it is at ${has})`
}

/** Whoever takes over must have what we have said for this request. */
export function withTarget(state: AgentState): AgentState {
  const { handover, own } = state
  if (!handover || handover.target !== undefined || own?.occasion !== handoverAskedAt(handover.index)) return state
  return { ...state, handover: { ...handover, target: own.position } }
}
