import { describe, expect, test } from 'vitest'
import { advance } from '../../../../src/leader/machine/advance.ts'
import type { AgentAction } from '../../../../src/leader/machine/agent-action.ts'
import type { AgentEvent } from '../../../../src/leader/machine/agent-event.ts'
import {
  type AgentState,
  type AgentTraits,
  type FoundRole,
  newState,
} from '../../../../src/leader/machine/agent-state.ts'
import { isCandidate, roleTagOf } from '../../../../src/leader/machine/role-tag.ts'
import { TRAITS as PLAIN } from './traits.ts'

const TRAITS: AgentTraits = { ...PLAIN, canStandBy: true }
const OFF = { disabled: false, maintenance: false, frozen: false }
const SEEN: AgentEvent = { kind: 'switches', switches: OFF }
const MAINTENANCE: AgentEvent = { kind: 'switches', switches: { ...OFF, maintenance: true } }
const TICK: AgentEvent = { kind: 'tick' }
const STOP: AgentEvent = { kind: 'stop' }
const WON: AgentEvent = { kind: 'won' }
const FREE: AgentEvent = { kind: 'leader', leader: undefined }
const LED: AgentEvent = { kind: 'leader', leader: { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true } }
const looks = (role?: FoundRole, healthy = true): AgentEvent => ({ kind: 'health', healthy, role })
const called = (call: Extract<AgentEvent, { kind: 'called' }>['call'], ok = true): AgentEvent => ({
  kind: 'called',
  call,
  ok,
})

/** Lets events happen one after the other, a second apart; what was done about the last one. */
function after(events: readonly AgentEvent[], traits: Partial<AgentTraits> = {}) {
  let state: AgentState = newState({ ...TRAITS, ...traits })
  let actions: readonly AgentAction[] = []
  let nowMs = 100_000
  for (const event of events) {
    ;({ state, actions } = advance(state, event, nowMs))
    nowMs += 1000
  }
  return { state, actions, does: actions.map((action) => (action.kind === 'call' ? action.call : action.kind)) }
}

describe('an application that an agent finds at its start', () => {
  test.each<[string, readonly AgentEvent[], readonly string[]]>([
    ['is not touched before it was asked', [SEEN, FREE, TICK], []],
    ['is demoted when it doesn’t say what it is', [SEEN, FREE, looks()], ['demote']],
    ['is demoted when it is sick, too', [SEEN, FREE, looks(undefined, false)], ['demote']],
    ['is demoted when it is master', [SEEN, FREE, looks('master')], ['demote']],
    ['is demoted when it is stopped, and might come up as one', [SEEN, FREE, looks('stopped', false)], ['demote']],
    ['is demoted before it follows anybody', [SEEN, LED, looks()], ['demote']],
    ['is left alone when it is a slave', [SEEN, FREE, looks('slave')], ['contend']],
    ['stays a slave when it stops', [SEEN, FREE, looks('slave'), looks('stopped', false)], ['withdraw']],
    ['waits for Consul to say that nobody is at work on it', [FREE, looks(), TICK], []],
    ['and doesn’t wait for ever', [FREE, looks(), TICK, TICK, TICK, TICK, TICK], ['demote']],
    ['is people’s business in maintenance', [MAINTENANCE, FREE, looks('master'), TICK], []],
    ['is demoted when the maintenance ends', [MAINTENANCE, FREE, looks('master'), SEEN], ['demote']],
    ['contends when it was demoted', [SEEN, FREE, looks(), called('demote')], ['contend']],
    ['follows when it was demoted', [SEEN, LED, looks('stopped'), called('demote')], ['contend', 'ensure-slave']],
    ['is fenced when it can’t be demoted', [SEEN, FREE, looks(), called('demote', false)], ['fence']],
    ['is demoted before its agent ends', [SEEN, FREE, STOP, looks('master')], ['demote']],
    ['and then that ends', [SEEN, FREE, STOP, looks(), called('demote')], ['finish']],
    ['is left alone in maintenance by an agent that ends', [MAINTENANCE, FREE, looks('master'), STOP], ['finish']],
  ])('%s', (_, events, does) => expect(after(events).does).toEqual(does))

  test('is left as it is when nobody has said how to demote it', () => {
    expect(after([SEEN, FREE, looks()], { canDemote: false }).does).toEqual(['contend'])
    expect(after([SEEN, FREE, looks('master')], { canDemote: false }).does).toEqual(['contend'])
  })

  test('has a short time for its demotion when somebody else leads already', () => {
    expect(after([SEEN, LED, looks('master')]).actions).toMatchObject([{ call: 'demote', hurried: true }])
    expect(after([SEEN, FREE, looks('master')]).actions).toMatchObject([{ call: 'demote', hurried: false }])
  })

  test.each<[string, readonly AgentEvent[], string]>([
    ['unlooked', [SEEN, LED], 'unhealthy'],
    ['untold', [SEEN, LED, looks()], 'unknown'],
    ['master', [SEEN, LED, looks('master')], 'unknown'],
    ['sick', [SEEN, LED, looks('master', false)], 'unhealthy'],
    ['master in maintenance', [MAINTENANCE, LED, looks('master')], 'unknown'],
    ['untold in maintenance', [MAINTENANCE, LED, looks()], 'unknown'],
    ['undemotable', [SEEN, LED, looks(), called('demote', false), called('fence', false)], 'unknown'],
    ['slave', [SEEN, LED, looks('slave')], 'slave'],
    ['demoted', [SEEN, LED, looks(), called('demote')], 'slave'],
  ])('is tagged by what it may be: %s', (_, events, tag) => {
    const { state } = after(events)
    expect([roleTagOf(state), isCandidate(state)]).toEqual([tag, tag === 'slave'])
  })
})

describe('an application that turns out to be master without the lock', () => {
  const slave = [SEEN, LED, looks('slave'), called('ensure-slave')]

  test('is demoted, and not called a slave meanwhile', () => {
    const { does, state } = after([...slave, looks('master')])
    expect([does, roleTagOf(state), isCandidate(state)]).toEqual([['demote', 'withdraw'], 'unknown', false])
  })

  test('follows the same one as before as soon as it was demoted', () => {
    expect(after([...slave, looks('master'), called('demote')]).does).toEqual(['ensure-slave'])
    expect(after([...slave, looks('master'), called('demote', false), called('fence')]).does).toEqual(['ensure-slave'])
  })

  test('follows with the next interval one that it could not follow before', () => {
    const demoted = [SEEN, LED, looks('slave'), called('ensure-slave', false), looks('master'), called('demote')]
    expect(after(demoted).does).toEqual([])
    expect(after([...demoted, TICK]).does).toEqual(['ensure-slave'])
  })

  test('has what is under way ended before', () => {
    expect(after([SEEN, LED, looks('slave'), looks('master')]).does).toEqual(['interrupt', 'withdraw'])
  })

  test('is master with the lock, and nothing is wrong with that', () => {
    const master = [SEEN, FREE, looks('slave'), WON, called('ensure-master')]
    expect(after([...master, looks('master')]).does).toEqual([])
    expect(after([...master, looks('slave')]).does).toEqual([])
  })

  test('is master with the lock before it was made one, too', () => {
    const traits = { asksReadiness: true }
    const asked: AgentEvent[] = [SEEN, FREE, looks('slave'), { kind: 'ready', ready: true }, WON]
    expect(after([...asked, looks('master')], traits).does).toEqual([])
    expect(after([...asked, looks('master'), called('ready')], traits).does).toEqual(['ensure-master'])
  })

  test('is demoted once a release that is under way has come to its end', () => {
    const releasing = [SEEN, FREE, looks('slave'), looks('slave', false), WON, looks('master', false)]
    expect(after(releasing).does).toEqual([])
    expect(after([...releasing, { kind: 'released' }]).does).toEqual(['demote'])
  })

  test('is people’s business in maintenance', () => {
    expect(after([...slave, MAINTENANCE, looks('master')]).does).toEqual([])
  })
})

test('a lock that is won all the same is given back when what strays was demoted, and not before', () => {
  const won = [SEEN, FREE, looks('slave'), looks('master'), WON]
  expect(after(won).does).toEqual([])
  expect(after([...won, called('demote', false)]).does).toEqual(['fence'])
  expect(after([...won, called('demote')]).does).toEqual(['release'])
})

test('a demotion that has closed it already is let come to its end before anything else is done', () => {
  const closed = [SEEN, FREE, looks('master'), looks('slave')]
  expect(after(closed).does).toEqual([])
  expect(roleTagOf(after(closed).state)).toBe('unknown')
  expect(after([...closed, STOP]).does).toEqual([])
  expect(after([...closed, called('demote', false)]).does).toEqual(['fence'])
  expect(after([...closed, called('demote')]).does).toEqual(['contend'])
  const fencing = [SEEN, FREE, looks('master'), called('demote', false), looks('slave')]
  expect(roleTagOf(after(fencing).state)).toBe('unknown')
  expect(after([...fencing, called('fence', false)]).does).toEqual([])
  expect(after([...fencing, called('fence')]).does).toEqual(['contend'])
})

test('no demotion and no fence is cut short, whatever comes meanwhile', () => {
  const slave = [SEEN, LED, looks('slave'), called('ensure-slave')]
  for (const begun of [
    [SEEN, FREE, looks('master')],
    [...slave, looks('master')],
  ]) {
    for (const more of [WON, STOP, LED, FREE, TICK, MAINTENANCE, { kind: 'reinit', id: 'r1' } as const]) {
      expect(after([...begun, more]).does).not.toContain('interrupt')
      expect(after([...begun, called('demote', false), more]).does).not.toContain('interrupt')
    }
  }
})
