import { expect, test } from 'vitest'
import { advance } from '../../../../src/leader/machine/advance.ts'
import type { AgentAction } from '../../../../src/leader/machine/agent-action.ts'
import type { AgentEvent } from '../../../../src/leader/machine/agent-event.ts'
import type { Peer } from '../../../../src/leader/machine/agent-peer.ts'
import { type AgentState, type AgentTraits, newState } from '../../../../src/leader/machine/agent-state.ts'
import type { HandoverRequest } from '../../../../src/leader/machine/handover-request.ts'
import { handoverAskedAt, reignOf } from '../../../../src/leader/machine/occasion.ts'
import { TRAITS as PLAIN } from './traits.ts'

const TRAITS: AgentTraits = { ...PLAIN, minLeaderMs: 1000, asksReadiness: true }
const INDEX = 4711
const ASKED = handoverAskedAt(INDEX)
const ASKED_AT_MS = 20_000

const peer = (about: Partial<Peer>): Peer => ({ node: 'n2', priority: 0, isCandidate: true, isPresent: true, ...about })

/** A master that has said its position, beside these. */
function master(peers: readonly Partial<Peer>[], own: bigint | 'unsaid' = 100n, traits: Partial<AgentTraits> = {}) {
  const reign = reignOf(1)
  const position = own === 'unsaid' ? undefined : own
  const events: AgentEvent[] = [
    { kind: 'leader', leader: undefined },
    { kind: 'health', healthy: true },
    { kind: 'ready', ready: true, own: position === undefined ? undefined : { position, occasion: reign } },
    { kind: 'won' },
    { kind: 'called', call: 'ready', ok: true, position },
    { kind: 'called', call: 'ensure-master', ok: true },
    { kind: 'peers', peers: peers.map(peer) },
    { kind: 'positions', occasion: reign, said: new Map() },
  ]
  return step(events, newState({ ...TRAITS, ...traits }), 10_000).state
}

function step(events: readonly AgentEvent[], before: AgentState, nowMs = ASKED_AT_MS) {
  let [state, all]: [AgentState, readonly AgentAction[]] = [before, []]
  for (const event of events) {
    const next = advance(state, event, nowMs)
    state = next.state
    all = [...all, ...next.actions]
  }
  return { state, does: all.map(inShort) }
}

function inShort(action: AgentAction): string {
  if (action.kind === 'refuse-step-down') return `refuse: ${action.why}`
  if (action.kind === 'yield') return `yield to ${action.successor ?? 'anybody'}`
  return action.kind === 'wake' ? `wake after ${action.atMs - ASKED_AT_MS}` : action.kind
}

const asks = (request: Partial<HandoverRequest> = {}): AgentEvent => ({
  kind: 'step-down',
  request: { index: INDEX, force: false, candidate: undefined, ...request },
})
const own = (position: bigint): AgentEvent => ({ kind: 'position', own: { position, occasion: ASKED } })
const said = (positions: Record<string, bigint>): AgentEvent => ({
  kind: 'positions',
  occasion: ASKED,
  said: new Map(Object.entries(positions)),
})

const TWO = [{ node: 'n2' }, { node: 'n3' }]

test('a master hands over to one that has what it had when it was asked, at once when all have spoken', () => {
  const asked = step([asks()], master(TWO))
  expect(asked.does).toEqual(['wake after 1000'])
  const waiting = step([said({ n2: 99n }), own(100n), said({ n2: 99n, n3: 99n })], asked.state)
  expect(waiting.does).toEqual([])
  // It has gone on writing meanwhile.
  const done = step([own(200n), said({ n2: 99n, n3: 100n })], waiting.state)
  expect(done.does).toEqual(['grant-step-down', 'yield to n3', 'call'])
})

test('it waits a second for who says nothing, and takes the higher priority of two that have all', () => {
  const asked = step([asks(), own(100n), said({ n2: 100n })], master(TWO)).state
  expect(step([{ kind: 'wake' }], asked, ASKED_AT_MS + 1000).does[1]).toBe('yield to n2')
  const two = master([{ node: 'n2' }, { node: 'n3', priority: 1 }])
  expect(step([asks(), own(100n), said({ n2: 170n, n3: 100n })], two).does).toContain('yield to n3')
})

test.each<[string, Partial<Peer>[], Partial<HandoverRequest>, Record<string, bigint>, string]>([
  ['nobody is there', [], {}, {}, 'no other node is ready to become master'],
  ['nobody is ready', [{ isCandidate: false }], {}, {}, 'no other node is ready to become master'],
  ['the candidate is not there', TWO, { candidate: 'n9' }, {}, 'no agent is on n9'],
  ['the candidate is not ready', [{ isCandidate: false }], { candidate: 'n2' }, {}, 'n2 is not ready to become master'],
  [
    'not even by force',
    [{ isCandidate: false }],
    { candidate: 'n2', force: true },
    {},
    'n2 is not ready to become master',
  ],
  ['the candidate is the master', TWO, { candidate: 'n1' }, {}, 'n1 is the master'],
  ['the candidate lags', TWO, { candidate: 'n2' }, { n2: 58n, n3: 100n }, 'n2 lacks 42 of what n1 has (it is at 58)'],
  ['all lag', TWO, {}, { n2: 58n, n3: 59n }, 'n3 lacks 41 of what n1 has (it is at 59)'],
  ['nobody says', TWO.slice(0, 1), {}, {}, "n2 doesn't say how much it has"],
])('it refuses and says why when %s', (_, peers, request, positions, why) => {
  const asked = step([asks(request), own(100n), said(positions)], master(peers))
  const later = step([{ kind: 'wake' }], asked.state, ASKED_AT_MS + 5000)
  expect([...asked.does, ...later.does].filter((does) => !does.startsWith('wake'))).toEqual([`refuse: ${why}`])
  expect(step([asks(request)], later.state, ASKED_AT_MS + 5001).does).toEqual([])
})

test('it waits for its own word on what it had, and goes by the last one when that doesn’t come', () => {
  const older: AgentEvent = { kind: 'position', own: { position: 100n, occasion: reignOf(1) } }
  const asked = step([asks(), older, said({ n2: 100n, n3: 100n })], master(TWO))
  expect(asked.does).toEqual(['wake after 1000'])
  const later = step([{ kind: 'wake' }], asked.state, ASKED_AT_MS + 1000)
  expect(later.does).toEqual(['wake after 5000'])
  const done = step([{ kind: 'wake' }], later.state, ASKED_AT_MS + 5000)
  expect(done.does.slice(0, 2)).toEqual(['grant-step-down', 'yield to n2'])
  const silent = step([asks(), { kind: 'position', own: undefined }], master(TWO))
  expect(silent.does.slice(0, 3)).toEqual(['wake after 1000', 'grant-step-down', 'yield to anybody'])
})

test('it refuses while it is in maintenance, even by force', () => {
  const maintenance: AgentEvent = {
    kind: 'switches',
    switches: { disabled: false, maintenance: true, frozen: false },
  }
  expect(step([maintenance, asks({ force: true })], master(TWO)).does).toEqual(['refuse: it is in maintenance'])
})

test('it refuses to go before its time, unless by force', () => {
  const young = master(TWO, 100n, { minLeaderMs: 60_000 })
  expect(step([asks()], young).does).toEqual(['refuse: a master stays for 60s (min_leader_time)'])
  expect(step([asks({ force: true }), own(100n), said({ n2: 100n, n3: 1n })], young).does).toContain('yield to n2')
})

test('by force it goes to the nearest, or to nobody', () => {
  const asked = step([asks({ force: true }), own(100n), said({ n2: 58n, n3: 59n })], master(TWO)).state
  expect(step([{ kind: 'wake' }], asked, ASKED_AT_MS + 5000).does[1]).toBe('yield to n3')
  expect(step([asks({ force: true })], master([])).does[1]).toBe('yield to anybody')
  const nearest = (positions: Record<string, bigint>, nodes = TWO) => {
    const { state } = step([asks({ force: true }), own(100n), said(positions)], master(nodes))
    return step([{ kind: 'wake' }], state, ASKED_AT_MS + 5000).does[1]
  }
  expect(nearest({ n2: 59n, n3: 58n })).toBe('yield to n2')
  expect(nearest({ n2: 58n, n3: 58n })).toBe('yield to n2')
  expect(nearest({ n3: 0n })).toBe('yield to n3')
})

test('without positions any candidate will do, and with max_lag one that lacks a little', () => {
  expect(step([asks()], master(TWO, 'unsaid')).does[1]).toBe('yield to anybody')
  expect(step([asks({ candidate: 'n3' })], master(TWO, 'unsaid')).does[1]).toBe('yield to n3')
  const lenient = master(TWO, 100n, { maxLag: 42n })
  expect(step([asks(), own(100n), said({ n2: 58n, n3: 57n })], lenient).does).toContain('yield to n2')
})

test('a request that finds the lock about to go is closed', () => {
  const asked = step([asks()], master(TWO)).state
  expect(step([{ kind: 'health', healthy: false }], asked).does).toContain('grant-step-down')
  expect(step([{ kind: 'lost', hurried: false }], asked).does).toContain('grant-step-down')
})
