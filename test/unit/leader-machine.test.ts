import { describe, expect, test } from 'vitest'
import type { Action } from '../../src/leader/machine/action.ts'
import type { Event } from '../../src/leader/machine/event.ts'
import { isCandidate, roleOf } from '../../src/leader/machine/role.ts'
import { type Leader, newState, type State, type Traits } from '../../src/leader/machine/state.ts'
import { step } from '../../src/leader/machine/step.ts'

const TRAITS: Traits = {
  node: 'n1',
  nofailover: false,
  minLeaderMs: 10_000,
  canDemote: true,
  canFence: true,
  asksReadiness: false,
}
const OTHER: Leader = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }
const THIRD: Leader = { node: 'n3', address: '10.0.0.3', port: 6379, promoted: true }
const OFF = { disabled: false, maintenance: false, frozen: false }

const HEALTHY: Event = { kind: 'health', healthy: true }
const UNHEALTHY: Event = { kind: 'health', healthy: false }
const TICK: Event = { kind: 'tick' }
const STOP: Event = { kind: 'stop' }
const LOST: Event = { kind: 'lost', hurried: false }
const leads = (leader: Leader | undefined): Event => ({ kind: 'leader', leader })
const switched = (on: Partial<typeof OFF>): Event => ({ kind: 'switches', switches: { ...OFF, ...on } })
const called = (call: Extract<Event, { kind: 'called' }>['call'], ok = true): Event => ({ kind: 'called', call, ok })

/** Lets events happen one after the other, a second apart; what was done about the last one, in short words. */
function after(events: readonly Event[], traits: Partial<Traits> = {}, atMs = 100_000) {
  let state: State = newState({ ...TRAITS, ...traits })
  let actions: readonly Action[] = []
  let nowMs = atMs
  for (const event of events) {
    ;({ state, actions } = step(state, event, nowMs))
    nowMs += 1000
  }
  return { state, does: actions.map(inShort), actions }
}

function inShort(action: Action): string {
  if (action.kind === 'call') return action.leader ? `${action.call} ${action.leader.node}` : action.call
  if (action.kind === 'yield') return `yield ${action.reason}`
  return action.kind === 'finish' ? `finish${action.clean ? '' : ' unclean'}` : action.kind
}

const candidate = [leads(undefined), HEALTHY]
const winner: Event[] = [...candidate, { kind: 'won' }]
const master = [...winner, called('ensure-master')]
const slave = [leads(OTHER), HEALTHY, called('ensure-slave')]
const yielding = [...master, UNHEALTHY]
const releasing = [...yielding, called('demote')]

describe('an agent that is', () => {
  test.each<[string, readonly Event[], Event, readonly string[]]>([
    ['new', [], HEALTHY, ['contend']],
    ['new', [], UNHEALTHY, []],
    ['new', [], leads(OTHER), ['ensure-slave n2']],
    ['new', [], leads({ ...OTHER, promoted: false }), []],
    ['new', [], STOP, ['finish']],
    ['a candidate', candidate, { kind: 'won' }, ['ensure-master']],
    ['a candidate', candidate, UNHEALTHY, ['withdraw']],
    ['a candidate', candidate, switched({ disabled: true }), ['withdraw']],
    ['a candidate', candidate, switched({ maintenance: true }), ['withdraw']],
    ['a candidate', candidate, switched({ frozen: true }), ['withdraw']],
    ['a candidate', candidate, { kind: 'ready', ready: false }, ['withdraw']],
    ['a candidate', candidate, { kind: 'outranked', outranked: true }, ['withdraw']],
    ['a candidate', candidate, leads(OTHER), ['ensure-slave n2']],
    ['a candidate', candidate, STOP, ['withdraw']],
    ['a candidate', candidate, { kind: 'step-down', force: true }, []],
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
    ['master', master, { kind: 'step-down', force: false }, ['refuse-step-down']],
    ['master', master, { kind: 'step-down', force: true }, ['yield step-down', 'demote']],
    ['master', master, { kind: 'outranked', outranked: true }, []],
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
  ])('%s: %o, then %o, has it do %o', (_, before, event, does) => {
    expect(after([...before, event]).does).toEqual(does)
  })
})

describe('a master that must go', () => {
  test('never releases the lock before it was demoted or fenced, however often both fail', () => {
    let events: Event[] = [...yielding]
    for (let tries = 0; tries < 5; tries++) {
      events = [...events, called('demote', false), called('fence', false), TICK, TICK, TICK]
      const { state, does } = after(events)
      expect(state.tenure).toBe('held')
      expect(does).not.toContain('release')
      expect(state.call?.kind).toBe('demote')
    }
    expect(after([...events, called('demote')]).does).toEqual(['release'])
  })

  test('without a fence is tried to be demoted again, and keeps the lock meanwhile', () => {
    const { state } = after([...yielding, called('demote', false)], { canFence: false })
    expect(state).toMatchObject({ tenure: 'held', stuck: 1 })
    expect(after([...yielding, called('demote', false), TICK, TICK, TICK], { canFence: false }).state.call?.kind).toBe(
      'demote',
    )
  })

  test('at its end, and can be neither demoted nor fenced, leaves the lock to expire and says so', () => {
    const events = [...master, STOP, called('demote', false), called('fence', false)]
    expect(after(events).does).toEqual(['abandon', 'finish unclean'])
  })

  test('without a demote is none as soon as it must go', () => {
    expect(after([...master, UNHEALTHY], { canDemote: false }).does).toEqual(['yield unhealthy', 'release'])
  })

  test('is demoted in a hurry when somebody else may hold the lock already', () => {
    expect(after([...master, { kind: 'lost', hurried: true }]).actions).toMatchObject([
      { call: 'demote', hurried: true },
    ])
    expect(after([...master, LOST]).actions).toMatchObject([{ call: 'demote', hurried: false }])
  })
})

describe('what others see', () => {
  test.each<[string, readonly Event[], string, boolean]>([
    ['new', [], 'unhealthy', false],
    ['candidate', candidate, 'slave', true],
    ['winner, not yet master', winner, 'slave', false],
    ['winner whose application restarts for it', [...winner, UNHEALTHY], 'slave', false],
    ['master', master, 'master', false],
    ['master that has just lost the lock', [...master, LOST], 'slave', false],
    ['unhealthy master', yielding, 'unhealthy', false],
    ['stopping master', [...master, STOP], 'slave', false],
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
  ])('of a %s', (_, events, role, counted) => {
    const { state } = after(events)
    expect([roleOf(state), isCandidate(state)]).toEqual([role, counted])
  })
})

describe('flapping is damped:', () => {
  const failing = [...winner, called('ensure-master', false), called('demote'), { kind: 'released' }] as Event[]

  test('a promotion that fails gives the lock up, and rests longer each time', () => {
    const once = after(failing)
    expect(once.does).toEqual([])
    const restMs = (state: State) => state.restUntilMs - (100_000 + (failing.length - 1) * 1000)
    expect(restMs(once.state)).toBe(10_000)
    const again = step({ ...once.state, tenure: 'contending' }, { kind: 'won' }, 120_000).state
    const failed = [called('ensure-master', false), called('demote'), { kind: 'released' } as Event]
    const twice = failed.reduce((state, event) => step(state, event, 120_000).state, again)
    expect(twice.restUntilMs).toBe(140_000)
    expect(step(twice, TICK, 139_999).actions).toEqual([])
    expect(step(twice, TICK, 140_000).actions).toEqual([{ kind: 'contend' }])
  })

  test('a master is given up when it can’t be asserted three times in a row, and not before', () => {
    const fails = [TICK, called('ensure-master', false)]
    expect(after([...master, ...fails, ...fails]).does).toEqual([])
    expect(after([...master, ...fails, ...fails, TICK, called('ensure-master'), ...fails]).does).toEqual([])
    expect(after([...master, ...fails, ...fails, ...fails]).does).toEqual(['yield mastery-failed', 'demote'])
  })

  test('a young master doesn’t step down, an old one does, and is no candidate until another one has taken over, or for a while', () => {
    const { state } = after(master)
    expect(step(state, { kind: 'step-down', force: false }, 111_000).actions).toEqual([{ kind: 'refuse-step-down' }])
    const asked = step(state, { kind: 'step-down', force: false }, 112_000)
    expect(asked.actions.map(inShort)).toEqual(['yield step-down', 'demote'])
    const rested = [called('demote'), { kind: 'released' } as Event].reduce(
      (state, event) => step(state, event, 112_000).state,
      asked.state,
    )
    expect(step(rested, TICK, 121_999).actions).toEqual([])
    expect(step(rested, TICK, 122_000).actions).toEqual([{ kind: 'contend' }])
    const unpromoted = step(rested, leads({ ...OTHER, promoted: false }), 113_000).state
    expect(step(unpromoted, leads(undefined), 114_000).actions).toEqual([])
    const takenOver = step(rested, leads(OTHER), 113_000)
    expect(takenOver.actions.map(inShort)).toContain('contend')
  })

  test('a lesser candidate leaves a free lock to a better one, but not for ever', () => {
    const { state } = after([leads(undefined), { kind: 'outranked', outranked: true }, HEALTHY])
    expect(step(state, TICK, 102_999).actions).toEqual([])
    expect(step(state, TICK, 103_000).actions).toEqual([{ kind: 'contend' }])
  })
})

describe('ready_to_lead', () => {
  const asked = { asksReadiness: true }
  const ready: Event[] = [leads(undefined), HEALTHY, { kind: 'ready', ready: true }]

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

test('a node that never fails over is a slave, and nothing else', () => {
  expect(after([leads(OTHER), HEALTHY], { nofailover: true }).state.tenure).toBe('none')
  expect(after([leads(OTHER)], { nofailover: true }).does).toEqual(['ensure-slave n2'])
})

test('in maintenance nothing is done to an application, but for the demotion of one whose lock was lost', () => {
  const maintained = [...master, switched({ maintenance: true })]
  expect(after([...maintained, TICK]).does).toEqual([])
  expect(after([...maintained, UNHEALTHY]).does).toEqual([])
  expect(after([...maintained, LOST]).does).toEqual(['demote'])
  expect(after([...slave, switched({ maintenance: true }), TICK]).does).toEqual([])
})
