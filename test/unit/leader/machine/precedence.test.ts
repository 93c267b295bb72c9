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

  test('does nothing else meanwhile, and has whoever must wait longer wake earlier', () => {
    const waiting = after(winner, WON_AT_MS, newState({ ...TRAITS, canStandBy: true })).state
    expect(after([TICK], WON_AT_MS, waiting).does).toEqual([])
    const late: AgentEvent = {
      kind: 'leader',
      leader: { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true },
    }
    expect(after([late], WON_AT_MS, waiting).does).toEqual([])
    const before = after(candidate).state
    const wakes = (wakeAtMs: number) => after([WON, asked(50n)], WON_AT_MS, { ...before, wakeAtMs }).does
    expect(wakes(WON_AT_MS + 1001)).toEqual([`wake at ${WON_AT_MS + 1000}`])
    expect(wakes(WON_AT_MS + 999)).toEqual([])
  })

  test('asks again when others lead and fall while it is asked', () => {
    expect(after([...candidate, WON, said({}, vacancyAfter(8)), asked(50n)]).does).toEqual(['ready'])
  })

  test('passes it on to who is meant to have it, though that one is silent', () => {
    const named: AgentEvent = { kind: 'succession', lastMaster: undefined, successor: 'n2' }
    expect(after([...candidate, WON, named, asked(50n)]).does).toEqual(['yield behind', 'release'])
  })

  test('passes it on to nobody of a higher priority who says nothing, or when its own application doesn’t', () => {
    const higher = peers(peer('n2', { priority: 1 }))
    const waiting = after([...candidate, WON, higher, asked(50n)])
    expect(waiting.does).toEqual([`wake at ${WON_AT_MS + 1000}`])
    expect(after([{ kind: 'wake' }], WON_AT_MS + 1000, waiting.state).does).toEqual(['ensure-master'])
    const silent = [...candidate.slice(0, -1), ready(undefined), WON]
    expect(after([...silent, higher, said({ n2: 50n }), asked()]).does).toEqual(['ensure-master'])
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
    expect(after([WON, asked(50n)], WON_AT_MS + 3000, again.state).does).toEqual(['ensure-master'])
  })

  test('passes it on again when the better one goes and comes before that', () => {
    const free = after([...winner, said({ n2: 51n }), { kind: 'released' }]).state
    const alone = after([peers(peer('n3'))], WON_AT_MS + 1, free)
    expect(alone.does).toEqual(['contend'])
    const back = after([WON, peers(peer('n2')), asked(50n)], WON_AT_MS + 2, alone.state)
    expect(back.does).toEqual(['yield behind', 'release'])
  })

  test('stands in line three seconds after it was passed on, behind one that isn’t master yet, but gives way anew after a master', () => {
    const free = after([...winner, said({ n2: 51n }), { kind: 'released' }]).state
    const leads = (promoted: boolean): AgentEvent => ({
      kind: 'leader',
      leader: { node: 'n2', address: '10.0.0.2', port: 6379, promoted },
    })
    const rising = after([leads(false)], WON_AT_MS + 1, free).state
    expect(after([TICK], WON_AT_MS + 3000, rising).does).toEqual(['contend'])
    const led = after([leads(true), { kind: 'called', call: 'ensure-slave', ok: true }], WON_AT_MS + 2, rising).state
    expect(after([FREE], WON_AT_MS + 3000, led).does).toEqual([])
    expect(after([FREE, TICK], WON_AT_MS + 5999, after([FREE], WON_AT_MS + 3000, led).state).does).toEqual([])
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

  test('goes by priority when one of the two doesn’t say how much it has', () => {
    const higher = peers(peer('n2', { priority: 1 }))
    expect(after([higher, said({ n2: 6n }), ready(undefined), FREE, HEALTHY]).does).toEqual([])
    expect(after([higher, said({}), ready(6n), FREE, HEALTHY]).does).toEqual([])
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
