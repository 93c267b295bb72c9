import { describe, expect, test } from 'vitest'
import { advance } from '../../../../src/leader/machine/advance.ts'
import type { AgentAction } from '../../../../src/leader/machine/agent-action.ts'
import type { AgentEvent } from '../../../../src/leader/machine/agent-event.ts'
import type { Peer } from '../../../../src/leader/machine/agent-peer.ts'
import { type AgentState, type AgentTraits, type Leader, newState } from '../../../../src/leader/machine/agent-state.ts'
import { isCandidate, isRoleTag, roleTagOf } from '../../../../src/leader/machine/role-tag.ts'
import { TRAITS as PLAIN } from './traits.ts'

const TRAITS: AgentTraits = { ...PLAIN, minLeaderMs: 10_000 }
const OTHER: Leader = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }
const THIRD: Leader = { node: 'n3', address: '10.0.0.3', port: 6379, promoted: true }
const OFF = { disabled: false, maintenance: false, frozen: false }

/** What isn't known to be a slave is demoted first: stray.test.ts. */
const HEALTHY: AgentEvent = { kind: 'health', healthy: true, role: 'slave' }
const UNHEALTHY: AgentEvent = { kind: 'health', healthy: false, role: 'slave' }
const TICK: AgentEvent = { kind: 'tick' }
const STOP: AgentEvent = { kind: 'stop' }
const WON: AgentEvent = { kind: 'won' }
const LOST: AgentEvent = { kind: 'lost', hurried: false }
const leads = (leader: Leader | undefined): AgentEvent => ({ kind: 'leader', leader })
const switched = (on: Partial<typeof OFF>): AgentEvent => ({ kind: 'switches', switches: { ...OFF, ...on } })
const peers = (peer: Partial<Peer>): AgentEvent => ({
  kind: 'peers',
  peers: [{ node: 'n2', priority: 0, isCandidate: true, isPresent: true, ...peer }],
})
const succession = (lastMaster: string | undefined, successor?: string): AgentEvent => ({
  kind: 'succession',
  lastMaster,
  successor,
})
let requests = 0
const asks = (force: boolean): AgentEvent => ({
  kind: 'step-down',
  request: { index: ++requests, force, candidate: undefined },
})
const OUTRANKED = peers({ priority: 1 })
const called = (call: Extract<AgentEvent, { kind: 'called' }>['call'], ok = true): AgentEvent => ({
  kind: 'called',
  call,
  ok,
})

/** Lets events happen one after the other, a second apart; what was done about the last one, in short words. */
function after(events: readonly AgentEvent[], traits: Partial<AgentTraits> = {}, atMs = 100_000) {
  let state: AgentState = newState({ ...TRAITS, ...traits })
  let actions: readonly AgentAction[] = []
  let nowMs = atMs
  for (const event of events) {
    ;({ state, actions } = advance(state, event, nowMs))
    nowMs += 1000
  }
  return { state, does: actions.map(inShort), actions }
}

function inShort(action: AgentAction): string {
  if (action.kind === 'call') return action.leader ? `${action.call} ${action.leader.node}` : action.call
  if (action.kind === 'yield') return `yield ${action.reason}`
  return action.kind === 'finish' ? `finish${action.clean ? '' : ' unclean'}` : action.kind
}

const candidate = [leads(undefined), HEALTHY]
const winner: AgentEvent[] = [...candidate, { kind: 'won' }]
const master = [...winner, called('ensure-master')]
const slave = [leads(OTHER), HEALTHY, called('ensure-slave')]
const yielding = [...master, UNHEALTHY]
const releasing = [...yielding, called('demote')]
const becoming = slave.slice(0, 2)

/** What an agent is, what has happened so far, what happens now, and what it does then. */
const CASES: readonly (readonly [string, readonly AgentEvent[], AgentEvent, readonly string[]])[] = [
  ['new', [], HEALTHY, ['contend']],
  ['new', [], UNHEALTHY, []],
  ['new', [], leads(OTHER), []],
  ['new, and has a master', [leads(OTHER)], UNHEALTHY, ['ensure-slave n2']],
  ['new, and has a master yet to be', [leads({ ...OTHER, promoted: false })], UNHEALTHY, []],
  ['new', [], STOP, []],
  ['new, and is to end', [STOP], UNHEALTHY, ['finish']],
  ['a candidate', candidate, { kind: 'won' }, ['ensure-master']],
  ['a candidate', candidate, UNHEALTHY, ['withdraw']],
  ['a candidate', candidate, switched({ disabled: true }), ['withdraw']],
  ['a candidate', candidate, switched({ maintenance: true }), ['withdraw']],
  ['a candidate', candidate, switched({ frozen: true }), []],
  ['a candidate', candidate, peers({}), []],
  ['a candidate', candidate, peers({ priority: 1, isCandidate: false }), []],
  ['a candidate', candidate, { kind: 'ready', ready: false }, ['withdraw']],
  ['a candidate', candidate, OUTRANKED, ['withdraw']],
  ['a candidate', candidate, leads(OTHER), ['ensure-slave n2']],
  ['a candidate', candidate, STOP, ['withdraw']],
  ['a candidate', candidate, asks(true), []],
  ['a candidate', candidate, LOST, []],
  ['withdrawing', [...candidate, UNHEALTHY], { kind: 'won' }, ['release']],
  ['withdrawing', [...candidate, UNHEALTHY], { kind: 'withdrawn' }, []],
  ['withdrawing to end', [...candidate, STOP], { kind: 'withdrawn' }, ['finish']],
  ['being made master', winner, called('ensure-master'), ['announce']],
  ['being made master', winner, called('ensure-master', false), ['yield promotion-failed', 'demote']],
  ['being made master', winner, UNHEALTHY, []],
  ['being made master', winner, LOST, ['interrupt']],
  ['being made master', winner, STOP, ['yield stopping', 'interrupt']],
  ['being made master', winner, switched({ maintenance: true }), []],
  ['master', master, TICK, ['ensure-master']],
  ['master', master, HEALTHY, []],
  ['master', master, UNHEALTHY, ['yield unhealthy', 'demote']],
  ['master', master, LOST, ['demote']],
  ['master', master, STOP, ['yield stopping', 'demote']],
  ['master', master, switched({ disabled: true }), ['yield disabled', 'demote']],
  ['master', master, switched({ maintenance: true }), []],
  ['master', master, switched({ frozen: true }), []],
  ['master', master, asks(false), ['refuse-step-down']],
  ['master', master, asks(true), ['grant-step-down', 'yield step-down', 'demote']],
  ['master', master, OUTRANKED, []],
  ['master', master, { kind: 'ready', ready: false }, []],
  ['asserting that it is master', [...master, TICK], UNHEALTHY, ['yield unhealthy', 'interrupt']],
  ['asserting that it is master', [...master, TICK], TICK, []],
  ['asserting that it is master', [...master, TICK], LOST, ['interrupt']],
  ['interrupted', [...master, TICK, LOST], called('ensure-master', false), ['demote']],
  ['interrupted', [...master, TICK, LOST], called('ensure-master'), ['demote']],
  ['being demoted', yielding, called('demote'), ['release']],
  ['being demoted', yielding, called('demote', false), ['fence']],
  ['being demoted', yielding, HEALTHY, []],
  ['being demoted', yielding, TICK, []],
  ['being demoted', yielding, LOST, []],
  ['being demoted', yielding, STOP, []],
  ['being fenced', [...yielding, called('demote', false)], called('fence'), ['release']],
  ['being fenced', [...yielding, called('demote', false)], called('fence', false), []],
  ['demoted after a loss', [...master, LOST, HEALTHY], called('demote'), ['contend']],
  ['releasing', releasing, { kind: 'released' }, []],
  ['releasing', releasing, HEALTHY, []],
  ['releasing', releasing, leads(OTHER), []],
  ['releasing to end', [...master, STOP, called('demote')], { kind: 'released' }, ['finish']],
  ['a slave', slave, TICK, ['ensure-slave n2']],
  ['a slave', slave, leads(THIRD), ['ensure-slave n3']],
  ['a slave', slave, leads({ ...THIRD, promoted: false }), []],
  ['a slave', slave, leads(undefined), []],
  ['a slave', slave, leads(OTHER), []],
  ['a slave', slave, UNHEALTHY, ['withdraw']],
  ['a slave', slave, STOP, ['withdraw']],
  ['a slave that wins', slave, { kind: 'won' }, ['ensure-master']],
  ['becoming a slave', slave.slice(0, 2), leads(THIRD), ['interrupt']],
  ['becoming a slave', slave.slice(0, 2), { kind: 'won' }, ['interrupt']],
  ['becoming a slave', slave.slice(0, 2), called('ensure-slave', false), []],
  [
    'interrupted for another master',
    [...slave.slice(0, 2), leads(THIRD)],
    called('ensure-slave', false),
    ['ensure-slave n3'],
  ],
  ['winning what it wants no more, and becoming a slave', [...becoming, UNHEALTHY], WON, ['interrupt']],
  [
    'interrupted before it gives back what it wanted no more',
    [...becoming, UNHEALTHY, WON],
    called('ensure-slave', false),
    ['release'],
  ],
  ['becoming a slave', [leads(OTHER), UNHEALTHY], STOP, ['interrupt']],
  ['interrupted to end', [leads(OTHER), UNHEALTHY, STOP], called('ensure-slave', false), ['finish']],
  ['at its end', [STOP, UNHEALTHY], HEALTHY, []],
  ['at its unclean end', [...master, STOP, called('demote', false), called('fence', false)], HEALTHY, []],
  [
    'without the lock, and can be neither demoted nor fenced',
    [...master, LOST, STOP, called('demote', false)],
    called('fence', false),
    ['finish unclean'],
  ],
  ['master, and hears of an old release', [...master, { kind: 'released' }], TICK, ['ensure-master']],
  ['master, and hears of an old withdrawal', [...master, { kind: 'withdrawn' }], TICK, ['ensure-master']],
  ['asserted as a master', [...master, TICK, called('ensure-master')], HEALTHY, []],
  ['asserted as a slave', [...slave, TICK, called('ensure-slave')], HEALTHY, []],
  ['a slave that could not be made one', [...becoming, called('ensure-slave', false)], TICK, ['ensure-slave n2']],
  [
    'interrupted for another master, and then follows the first one after all',
    [...becoming, leads(THIRD), leads(OTHER)],
    called('ensure-slave', false),
    ['ensure-slave n2'],
  ],
  [
    'a slave that gave back the lock it wanted no more',
    [...slave, UNHEALTHY, WON, { kind: 'released' }],
    leads(OTHER),
    [],
  ],
  [
    'without the lock, and could be neither demoted nor fenced',
    [...master, LOST, called('demote', false), called('fence', false)],
    TICK,
    [],
  ],
  ['interrupted too late for another master', [...becoming, leads(THIRD)], called('ensure-slave'), ['ensure-slave n3']],
  [
    'master again after it was fenced',
    [
      ...yielding,
      called('demote', false),
      called('fence'),
      { kind: 'released' },
      HEALTHY,
      WON,
      called('ensure-master'),
    ],
    UNHEALTHY,
    ['yield unhealthy', 'demote'],
  ],
]

function inWords({ kind, ...about }: AgentEvent): string {
  return `${kind} ${JSON.stringify(about).replaceAll(/["{}]/g, '')}`.trim()
}

describe('an agent that is', () => {
  for (const [what, before, event, does] of CASES) {
    test(`${what}, at ${inWords(event)}: does ${does.join(', ') || 'nothing'}`, () => {
      expect(after([...before, event]).does).toEqual(does)
    })
  }
})

describe('a master that must go', () => {
  test('never releases the lock before it was demoted or fenced, however often both fail', () => {
    let events: AgentEvent[] = [...yielding]
    for (let tries = 0; tries < 5; tries++) {
      events = [...events, called('demote', false), called('fence', false), TICK, TICK, TICK]
      const { state, does } = after(events)
      expect(state.lock).toBe('held')
      expect(does).not.toContain('release')
      expect(state.call?.kind).toBe('demote')
    }
    expect(after([...events, called('demote')]).does).toEqual(['release'])
  })

  test('without a fence is tried to be demoted again, and keeps the lock meanwhile', () => {
    const { state } = after([...yielding, called('demote', false)], { canFence: false })
    expect(state).toMatchObject({ lock: 'held', stuck: 1 })
    expect(after([...yielding, called('demote', false), TICK, TICK, TICK], { canFence: false }).state.call?.kind).toBe(
      'demote',
    )
  })

  test('at its end, and can be neither demoted nor fenced, leaves the lock to expire and says so', () => {
    const events = [...master, STOP, called('demote', false), called('fence', false)]
    expect(after(events).does).toEqual(['abandon', 'finish unclean'])
  })

  test('is demoted anew two seconds after both have failed, or left so at its end', () => {
    const stuck = [...yielding, called('demote', false), called('fence', false), HEALTHY]
    expect(after([...stuck, TICK]).does).toEqual(['demote'])
    expect(after([...stuck, STOP]).does).toEqual(['abandon', 'finish unclean'])
  })

  test('without a demote is none as soon as it must go', () => {
    expect(after([...master, UNHEALTHY], { canDemote: false }).does).toEqual(['yield unhealthy', 'release'])
  })

  test('is demoted in a hurry when somebody else may hold the lock already', () => {
    expect(after([...master, { kind: 'lost', hurried: true }]).actions).toMatchObject([
      { call: 'demote', hurried: true },
    ])
    expect(after([...master, LOST]).actions).toMatchObject([{ call: 'demote', hurried: false }])
    const again = [HEALTHY, called('demote'), WON, called('ensure-master'), UNHEALTHY]
    expect(after([...master, { kind: 'lost', hurried: true }, ...again]).actions).toMatchObject([
      { kind: 'yield' },
      { call: 'demote', hurried: false },
    ])
  })
})

describe('what others see', () => {
  test.each<[string, readonly AgentEvent[], string, boolean]>([
    ['new', [], 'unhealthy', false],
    ['candidate', candidate, 'slave', true],
    ['winner, not yet master', winner, 'unknown', false],
    ['winner whose application restarts for it', [...winner, UNHEALTHY], 'unknown', false],
    ['master', master, 'master', false],
    ['master that has just lost the lock', [...master, LOST], 'unknown', false],
    ['unhealthy master', yielding, 'unhealthy', false],
    ['stopping master', [...master, STOP], 'unknown', false],
    ['demoted master', releasing, 'unhealthy', false],
    ['master that was demoted when it stepped down', [...master, asks(true), called('demote')], 'slave', true],
    [
      'master in maintenance, though unhealthy',
      [...master, switched({ maintenance: true }), UNHEALTHY],
      'master',
      false,
    ],
    ['disabled master', [...master, switched({ disabled: true })], 'disabled', false],
    ['slave', slave, 'slave', true],
    ['unhealthy slave', [...slave, UNHEALTHY], 'unhealthy', false],
    ['slave that is not ready', [...slave, { kind: 'ready', ready: false }], 'slave', false],
    ['disabled slave', [...slave, switched({ disabled: true })], 'disabled', false],
    ['slave in maintenance', [...slave, switched({ maintenance: true })], 'slave', false],
    ['frozen slave', [...slave, switched({ frozen: true })], 'slave', true],
    ['stopping slave', [...slave, STOP], 'slave', false],
    ['master whose application restarts and that loses the lock', [...winner, UNHEALTHY, LOST], 'unhealthy', false],
    ['master whose application restarts and that stops', [...winner, UNHEALTHY, STOP], 'unhealthy', false],
  ])('of a %s', (_, events, role, counted) => {
    const { state } = after(events)
    expect([roleTagOf(state), isCandidate(state)]).toEqual([role, counted])
  })
})

test('a tag of a service is one of ours, or the operator’s own', () => {
  expect(['master', 'stale', 'primary', ''].map(isRoleTag)).toEqual([true, true, false, false])
})

describe('flapping is damped:', () => {
  const failing = [...winner, called('ensure-master', false), called('demote'), { kind: 'released' }] as AgentEvent[]

  test('a promotion that fails gives the lock up, and rests longer each time', () => {
    const once = after(failing)
    expect(once.does).toEqual([])
    const restMs = (state: AgentState) => state.restUntilMs - (100_000 + (failing.length - 1) * 1000)
    expect(restMs(once.state)).toBe(10_000)
    const again = advance({ ...once.state, lock: 'contending' }, { kind: 'won' }, 120_000).state
    const failed = [called('ensure-master', false), called('demote'), { kind: 'released' } as AgentEvent]
    const twice = failed.reduce((state, event) => advance(state, event, 120_000).state, again)
    expect(twice.restUntilMs).toBe(140_000)
    expect(advance(twice, TICK, 139_999).actions).toEqual([])
    expect(advance(twice, TICK, 140_000).actions).toEqual([{ kind: 'contend' }])
  })

  const restedMs = (events: readonly AgentEvent[], traits: Partial<AgentTraits> = {}) => {
    const { state } = after([...events, { kind: 'released' }], traits)
    return state.restUntilMs === 0 ? 0 : state.restUntilMs - (100_000 + events.length * 1000)
  }

  test('how long one rests goes by why it gave the lock up', () => {
    const fails = [TICK, called('ensure-master', false)]
    expect(restedMs([...master, ...fails, ...fails, ...fails, called('demote')])).toBe(10_000)
    const given = [...master, ...fails, ...fails, ...fails, called('demote'), { kind: 'released' } as AgentEvent]
    expect(restedMs([...given, HEALTHY, WON, called('ensure-master', false), called('demote')])).toBe(20_000)
    expect(restedMs([...master, asks(true), called('demote')])).toBe(10_000)
    expect(restedMs(releasing)).toBe(0)
    expect(after([...releasing, { kind: 'released' }]).state.courtesyUntilMs).toBeUndefined()
    const ready: AgentEvent[] = [leads(undefined), HEALTHY, { kind: 'ready', ready: true }, WON]
    expect(restedMs([...ready, called('ready', false)], { asksReadiness: true })).toBe(2000)
  })

  test('another master ends no rest but that of a hand-over', () => {
    const { state } = after(failing)
    expect(advance(state, leads(OTHER), 108_000).state.restUntilMs).toBe(state.restUntilMs)
  })

  test('a master is given up when it can’t be asserted three times in a row, and not before', () => {
    const fails = [TICK, called('ensure-master', false)]
    expect(after([...master, ...fails, ...fails]).does).toEqual([])
    expect(after([...master, ...fails, ...fails, TICK, called('ensure-master'), ...fails]).does).toEqual([])
    expect(after([...master, ...fails, ...fails, ...fails]).does).toEqual(['yield mastery-failed', 'demote'])
  })

  test('a young master doesn’t step down, an old one does, and is no candidate until another one has taken over, or for a while', () => {
    const { state } = after([...master, peers({})])
    expect(advance(state, asks(false), 111_000).actions.map(inShort)).toEqual(['refuse-step-down'])
    const asked = advance(state, asks(false), 112_000)
    expect(asked.actions.map(inShort)).toEqual(['grant-step-down', 'yield step-down', 'demote'])
    const rested = [called('demote'), { kind: 'released' } as AgentEvent].reduce(
      (state, event) => advance(state, event, 112_000).state,
      asked.state,
    )
    expect(advance(rested, TICK, 121_999).actions).toEqual([])
    expect(advance(rested, TICK, 122_000).actions).toEqual([{ kind: 'contend' }])
    const unpromoted = advance(rested, leads({ ...OTHER, promoted: false }), 113_000)
    expect(unpromoted.actions).toEqual([])
    expect(advance(unpromoted.state, leads(undefined), 114_000).actions).toEqual([])
    const takenOver = advance(rested, leads(OTHER), 113_000)
    expect(takenOver.actions.map(inShort)).toContain('contend')
  })

  test('a lesser candidate leaves a free lock to a better one, but not for ever', () => {
    const { state } = after([leads(undefined), OUTRANKED, HEALTHY])
    expect(advance(state, TICK, 102_999).actions).toEqual([])
    expect(advance(state, TICK, 103_000).actions).toEqual([{ kind: 'contend' }])
  })

  test('a lesser candidate doesn’t stand in line behind a leader before a better one', () => {
    expect(after([leads(OTHER), OUTRANKED, HEALTHY]).does).toEqual(['ensure-slave n2'])
  })

  test('however often a promotion fails, a cured application waits for half a minute at most', () => {
    const tries = Array.from({ length: 9 }, () => [WON, called('ensure-master', false), called('demote')])
    const { state } = after([...candidate, ...tries.flatMap((events) => [...events, { kind: 'released' } as const])])
    const lastMs = 100_000 + (candidate.length + tries.length * 4 - 1) * 1000
    expect(state.restUntilMs - lastMs).toBe(30_000)
  })
})

describe('after too many failovers', () => {
  const last: AgentEvent = succession('n2')
  const frozen = [switched({ frozen: true }), last, peers({ isCandidate: false }), leads(undefined), HEALTHY]
  const contends = (events: readonly AgentEvent[], afterMs: number) =>
    advance(after(events).state, TICK, 103_000 + afterMs).actions.length > 0

  test('a free lock is left to the last master, which may recover, but not for ever', () => {
    expect(after(frozen).does).toEqual([])
    expect(contends(frozen, 59_999)).toBe(false)
    expect(contends(frozen, 60_000)).toBe(true)
  })

  test('nor does anybody stand in line before it', () => {
    expect(after([...frozen.slice(0, 3), leads(THIRD), HEALTHY]).does).toEqual(['ensure-slave n3'])
  })

  test('but not while Consul hasn’t said that there were', () => {
    expect(after(frozen.slice(1)).does).toEqual(['contend'])
  })

  test.each<[string, AgentEvent]>([
    ['is gone', peers({ isCandidate: false, isPresent: false })],
    ['has handed over', succession(undefined)],
    ['are we', succession('n1')],
    ['is waited for no longer', switched({})],
  ])('nobody waits for a last master that %s', (_, event) => {
    expect(after([...frozen, event]).does).toEqual(['contend'])
  })
})

describe('ready_to_lead', () => {
  const asked = { asksReadiness: true }
  const ready: AgentEvent[] = [leads(undefined), HEALTHY, { kind: 'ready', ready: true }]

  test('keeps who has not been asked from contending', () => {
    expect(after([leads(undefined), HEALTHY], asked).does).toEqual([])
    expect(after(ready, asked).does).toEqual(['contend'])
  })

  test('is asked once more when the lock is won, and a no gives it to the next', () => {
    expect(after([...ready, { kind: 'won' }], asked).does).toEqual(['ready'])
    expect(after([...ready, { kind: 'won' }, called('ready')], asked).does).toEqual(['ensure-master'])
    expect(after([...ready, { kind: 'won' }, called('ready', false)], asked).does).toEqual([
      'yield not-ready',
      'release',
    ])
  })
})

test('a winner whose readiness is asked gives the lock up when it is wanted no more', () => {
  const asked = [leads(undefined), HEALTHY, { kind: 'ready', ready: true }, WON] as AgentEvent[]
  const traits = { asksReadiness: true }
  expect(after([...asked, UNHEALTHY], traits).does).toEqual(['yield unhealthy', 'interrupt'])
  expect(after([...asked, switched({ maintenance: true })], traits).does).toEqual(['yield not-wanted', 'interrupt'])
  expect(after([...asked, UNHEALTHY, called('ready')], traits).does).toEqual(['release'])
  // What a call says that was cut short counts for nothing.
  const back = [...asked, UNHEALTHY, called('ready', false), { kind: 'released' } as const]
  expect(after([...back, HEALTHY], traits).does).toEqual(['contend'])
})

test('a node that never fails over is a slave, and nothing else', () => {
  expect(isCandidate(after(slave, { nofailover: true }).state)).toBe(false)
  expect(after([leads(OTHER), HEALTHY], { nofailover: true }).state.lock).toBe('none')
  expect(after([leads(OTHER), UNHEALTHY], { nofailover: true }).does).toEqual(['ensure-slave n2'])
})

test('in maintenance nothing is done to an application, but for the demotion of one whose lock was lost', () => {
  const maintained = [...master, switched({ maintenance: true })]
  expect(after([...maintained, TICK]).does).toEqual([])
  expect(after([...maintained, UNHEALTHY]).does).toEqual([])
  expect(after([...maintained, LOST]).does).toEqual(['demote'])
  expect(after([...slave, switched({ maintenance: true }), TICK]).does).toEqual([])
})

describe('stand_by', () => {
  const able = { canStandBy: true }
  const unpromoted = leads({ ...OTHER, promoted: false })

  test('has the application run every interval while nobody leads', () => {
    expect(after([leads(undefined), UNHEALTHY, TICK], able).does).toEqual(['stand-by'])
    expect(after([unpromoted, UNHEALTHY, TICK, called('stand-by'), TICK], able).does).toEqual(['stand-by'])
    expect(after([leads(undefined), UNHEALTHY, TICK], { canStandBy: false }).does).toEqual([])
  })

  test('is let come to its end when another one leads meanwhile, and is not begun twice', () => {
    const standing = [leads(undefined), UNHEALTHY, TICK]
    expect(after([...standing, TICK], able).does).toEqual([])
    expect(after([...standing, leads(OTHER)], able).does).toEqual([])
    expect(after([...standing, leads(OTHER), called('stand-by')], able).does).toEqual(['ensure-slave n2'])
  })

  test('does not run while the lock is given back', () => {
    expect(after([...releasing, TICK], able).does).toEqual([])
  })

  test('does not run while somebody leads, or while the node is switched off', () => {
    expect(after([UNHEALTHY, leads(OTHER)], able).does).toEqual(['ensure-slave n2'])
    expect(after([switched({ disabled: true }), UNHEALTHY, TICK], able).does).toEqual([])
    expect(after([switched({ maintenance: true }), UNHEALTHY, TICK], able).does).toEqual([])
  })

  test('makes a slave of nobody in particular, unless it fails or is cut short', () => {
    const alone = [...slave, UNHEALTHY, leads(undefined), TICK]
    const following = (events: readonly AgentEvent[]) => after(events, able).state.following
    expect(following(alone)).toBe('n2 10.0.0.2 6379')
    expect(following([...alone, called('stand-by')])).toBeUndefined()
    expect(following([...alone, called('stand-by', false)])).toBe('n2 10.0.0.2 6379')
    expect(following([...alone, { kind: 'withdrawn' }, STOP, called('stand-by')])).toBe('n2 10.0.0.2 6379')
  })

  test.each([true, false])('is over as soon as the same one leads again; it was followed: %s', (ok) => {
    const alone = [...becoming, called('ensure-slave', ok), leads(undefined), TICK, called('stand-by')]
    expect(after([...alone, leads(OTHER)], able).does).toEqual(['ensure-slave n2'])
  })

  test('is ended when the lock is won', () => {
    const { does, state } = after([leads(undefined), HEALTHY, TICK, WON], able)
    expect(does).toEqual(['interrupt'])
    expect(advance(state, called('stand-by', false), 200_000).actions.map(inShort)).toEqual(['ensure-master'])
  })
})

describe('a request to take the data of the master', () => {
  // Who follows stands in line for the lock, and leaves it first.
  const asked: AgentEvent[] = [{ kind: 'reinit', id: 'r1' }, { kind: 'withdrawn' }]

  test('is met by a slave, whose other calls are ended for it, and only once', () => {
    expect(after([...slave, ...asked]).does).toEqual(['reinit n2'])
    expect(after([...becoming, ...asked]).does).toEqual(['interrupt'])
    expect(after([...slave, ...asked, called('reinit')]).state.reinit).toBeUndefined()
    expect(after([...slave, ...asked, called('reinit', false)]).does).toContain('ensure-slave n2')
  })

  test('waits for a master, for the end of a maintenance, and keeps its node from leading', () => {
    expect(after([...candidate, ...asked.slice(0, 1)]).does).toEqual(['withdraw'])
    expect(after([...candidate, ...asked, TICK]).does).not.toContain('reinit n2')
    expect(after([...slave, switched({ maintenance: true }), ...asked]).does).toEqual([])
    expect(isCandidate(after([...slave, ...asked]).state)).toBe(false)
    expect(after([...master, ...asked]).does).toEqual([])
  })

  test('is met anew with the next master when the first one goes', () => {
    expect(after([...slave, ...asked, leads(undefined)]).does).toEqual(['interrupt'])
    const interrupted = after([...slave, ...asked, leads(undefined), called('reinit', false)])
    expect(interrupted.state.reinit).toBe('r1')
    expect(after([...slave, ...asked, leads(undefined), called('reinit', false), leads(THIRD)]).does).toEqual([
      'reinit n3',
    ])
  })

  test('is met anew with another master, and dropped when nobody wants it any more', () => {
    expect(after([...slave, ...asked, leads(THIRD)]).does).toEqual(['interrupt'])
    expect(after([...slave, ...asked, { kind: 'reinit', id: undefined }]).does).toContain('interrupt')
  })

  test('is not met before it is known that the application is no master', () => {
    expect(after([leads(OTHER), ...asked]).does).toEqual([])
    expect(after([leads(OTHER), ...asked, HEALTHY]).does).toEqual(['reinit n2'])
  })

  test('is dropped with the agent, and taken up by the next one', () => {
    expect(after([...slave, ...asked, STOP]).does).toEqual(['interrupt'])
  })
})
