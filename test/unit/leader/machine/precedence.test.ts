import { describe, expect, test } from 'vitest'
import { advance } from '../../../../src/leader/machine/advance.ts'
import type { AgentAction } from '../../../../src/leader/machine/agent-action.ts'
import type { AgentEvent } from '../../../../src/leader/machine/agent-event.ts'
import type { Peer } from '../../../../src/leader/machine/agent-peer.ts'
import { type AgentState, type AgentTraits, newState } from '../../../../src/leader/machine/agent-state.ts'
import { reignOf, vacancyAfter } from '../../../../src/leader/machine/occasion.ts'
import { TRAITS as PLAIN } from './traits.ts'

const TRAITS: AgentTraits = { ...PLAIN, asksReadiness: true }
const VACANT = vacancyAfter(7)
const WON_AT_MS = 10_000

const peer = (node: string, about: Partial<Peer> = {}): Peer => ({
  node,
  priority: 0,
  isCandidate: true,
  isPresent: true,
  ...about,
})
const peers = (...all: readonly Peer[]): AgentEvent => ({ kind: 'peers', peers: all })
const said = (positions: Record<string, bigint>, occasion = VACANT): AgentEvent => ({
  kind: 'positions',
  occasion,
  said: new Map(Object.entries(positions)),
})
const ready = (position: bigint | undefined, occasion = VACANT): AgentEvent => ({
  kind: 'ready',
  ready: true,
  own: position === undefined ? undefined : { position, occasion },
})
const asked = (position?: bigint): AgentEvent => ({ kind: 'called', call: 'ready', ok: true, position })
const FREE: AgentEvent = { kind: 'leader', leader: undefined }
const HEALTHY: AgentEvent = { kind: 'health', healthy: true, role: 'slave' }
const WON: AgentEvent = { kind: 'won' }
const TICK: AgentEvent = { kind: 'tick' }

/** All events at once, and what was done about the last of them. */
function after(events: readonly AgentEvent[], nowMs = WON_AT_MS, state: AgentState = newState(TRAITS)) {
  let actions: readonly AgentAction[] = []
  let now = state
  for (const event of events) ({ state: now, actions } = advance(now, event, nowMs))
  return { state: now, does: actions.map(inShort) }
}

function inShort(action: AgentAction): string {
  if (action.kind === 'call') return action.call
  if (action.kind === 'yield') return `yield ${action.reason}`
  return action.kind === 'wake' ? `wake at ${action.atMs}` : action.kind
}

describe('who has won the lock', () => {
  const candidate = [peers(peer('n2'), peer('n3')), said({}), FREE, HEALTHY, ready(50n)]
  const winner = [...candidate, WON, asked(50n)]

  test('waits for what the other candidates say, for a second at most', () => {
    const waiting = after(winner)
    expect(waiting.does).toEqual([`wake at ${WON_AT_MS + 1000}`])
    expect(after([said({ n2: 50n })], WON_AT_MS, waiting.state).does).toEqual([])
    expect(after([said({ n2: 50n, n3: 49n })], WON_AT_MS, waiting.state).does).toEqual(['ensure-master'])
    expect(after([{ kind: 'wake' }], WON_AT_MS + 1000, waiting.state).does).toEqual(['ensure-master'])
  })

  test('passes it on to who has more, once', () => {
    const passing = after([...winner, said({ n2: 51n })])
    expect(passing.does).toEqual(['yield behind', 'release'])
    const free = after([{ kind: 'released' }], WON_AT_MS, passing.state)
    expect(free.does).toEqual([])
    expect(after([TICK], WON_AT_MS + 2999, free.state).does).toEqual([])
    const again = after([TICK], WON_AT_MS + 3000, free.state)
    expect(again.does).toEqual(['contend'])
    // The better one hasn't taken it.
    expect(after([WON, asked(50n)], WON_AT_MS + 3001, again.state).does).toEqual(['ensure-master'])
  })

  test.each<[string, Record<string, bigint>, Partial<Peer>, string]>([
    ['has as much, and a higher priority', { n2: 50n, n3: 0n }, { priority: 1 }, 'yield behind'],
    ['has as much, and no higher priority', { n2: 50n, n3: 0n }, {}, 'ensure-master'],
    ['has less, and a higher priority', { n2: 49n, n3: 0n }, { priority: 9 }, 'ensure-master'],
    ['has more, and is no candidate', { n2: 51n, n3: 0n }, { isCandidate: false }, 'ensure-master'],
    ['has more by far', { n2: 2n ** 63n, n3: 0n }, {}, 'yield behind'],
  ])('beside one that %s', (_, positions, about, does) => {
    const events = [peers(peer('n2', about), peer('n3')), said(positions), FREE, HEALTHY, ready(50n), WON, asked(50n)]
    expect(after(events, WON_AT_MS, undefined).does[0]).toBe(does)
  })

  test('goes ahead without a word when its application says no position, or nobody else is there', () => {
    expect(after([...candidate.slice(0, -1), ready(undefined), WON, asked()]).does).toEqual(['ensure-master'])
    expect(after([said({}), FREE, HEALTHY, ready(50n), WON, asked(50n)]).does).toEqual(['ensure-master'])
  })

  test('first hears that the last master is gone, and asks again when it was asked before', () => {
    const reign = reignOf(7)
    const early = [peers(peer('n2')), said({ n2: 99n }, reign), FREE, HEALTHY, ready(50n, reign)]
    const won = after([...early, WON])
    expect(won.does).toEqual([`wake at ${WON_AT_MS + 1000}`])
    expect(after([said({})], WON_AT_MS, won.state).does).toEqual(['ready'])
    const deaf = after([{ kind: 'wake' }], WON_AT_MS + 1000, won.state)
    expect(deaf.does).toEqual(['ready'])
    expect(after([asked(50n)], WON_AT_MS + 1100, deaf.state).does).toEqual(['ensure-master'])
  })
})

describe('who is to lead whatever it lacks', () => {
  const accepted: AgentEvent = { kind: 'accepted-loss', accepted: true }
  const unready: AgentEvent[] = [peers(peer('n2')), said({ n2: 99n }), FREE, HEALTHY, { kind: 'ready', ready: false }]

  test('contends, and leads at once, though it is not ready and another one has more', () => {
    expect(after(unready).does).toEqual([])
    const candidate = after([...unready, accepted])
    expect(candidate.does).toEqual(['contend'])
    const winner = after([WON], WON_AT_MS, candidate.state)
    expect(winner.does).toEqual(['ensure-master'])
    const master = after([{ kind: 'called', call: 'ensure-master', ok: true }], WON_AT_MS, winner.state)
    expect(master.state).toMatchObject({ application: 'master', acceptsLoss: false })
  })

  test('does neither when that is taken back, or it is sick', () => {
    const back: AgentEvent = { kind: 'accepted-loss', accepted: false }
    expect(after([...unready, accepted, back]).does).toEqual(['withdraw'])
    expect(after([...unready, accepted, back, WON]).does).toContain('release')
    expect(after([...unready, { kind: 'health', healthy: false }, accepted]).does).toEqual([])
  })
})

describe('a candidate', () => {
  const knows = (own: bigint, theirs: bigint, about: Partial<Peer> = {}) => [
    peers(peer('n2', about)),
    said({ n2: theirs }),
    ready(own),
    FREE,
    HEALTHY,
  ]

  test('leaves a free lock to who has more, or is meant to have it, for three seconds', () => {
    const behind = after(knows(5n, 6n))
    expect(behind.does).toEqual([])
    expect(after([TICK], WON_AT_MS + 2999, behind.state).does).toEqual([])
    expect(after([TICK], WON_AT_MS + 3000, behind.state).does).toEqual(['contend'])
    const named: AgentEvent = { kind: 'succession', lastMaster: undefined, successor: 'n2' }
    expect(after([named, ...knows(7n, 6n)]).does).toEqual([])
  })

  test('contends when it has more, is meant to have it, or they are alike', () => {
    expect(after(knows(7n, 6n, { priority: 5 })).does).toEqual(['contend'])
    expect(after(knows(6n, 6n)).does).toEqual(['contend'])
    const named: AgentEvent = { kind: 'succession', lastMaster: undefined, successor: 'n1' }
    expect(after([named, ...knows(5n, 6n, { priority: 5 })]).does).toEqual(['contend'])
  })

  test('goes by priority alone while a master writes, and positions age', () => {
    const reign = reignOf(7)
    const events = [said({ n2: 99n }, reign), ready(1n, reign), FREE, HEALTHY]
    expect(after([peers(peer('n2')), ...events]).does).toEqual(['contend'])
    expect(after([peers(peer('n2', { priority: 1 })), ...events]).does).toEqual([])
  })
})
