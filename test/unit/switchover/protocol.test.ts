import { describe, expect, test } from 'vitest'
import type { FlagValue } from '../../../src/switchover/flags.ts'
import { type SwitchPlan, withFence, withoutWaiting } from '../../../src/switchover/plan.ts'
import {
  nextStep,
  type PlanState,
  pendingDatacenters,
  roleConflict,
  rollbackOf,
  runsNowhere,
  stepsOf,
  unconfirmedNodes,
} from '../../../src/switchover/protocol.ts'
import { StepPrinter, skippedLines, stepLine } from '../../../src/switchover/step-printer.ts'
import { carryOn, Model, turnBack } from './model.ts'

const ALL = Number.POSITIVE_INFINITY

function planOf(
  promote: readonly string[],
  demote: readonly string[],
  datacenters: readonly string[] = ['dc1'],
): SwitchPlan {
  const at = (node: string) => ({ node, datacenter: node.split('.')[1] ?? 'dc1' })
  const roles = (active: readonly string[], standby: readonly string[]) =>
    JSON.stringify({ active_nodes: active, standby_nodes: standby })
  const [before, after] = [roles(demote, promote), roles(promote, demote)]
  return {
    id: 'switch',
    revision: 1,
    course: 'forward',
    promote: promote.map(at),
    demote: demote.map(at),
    skipped: [],
    swaps: datacenters.map((datacenter) => ({ datacenter, before, after })),
    by: promote[0] ?? '',
    since: '2026-11-21T08:00:00Z',
  }
}

const PLANS: [string, SwitchPlan][] = [
  ['one primary and one standby', planOf(['node2'], ['node1'])],
  ['several standbys', planOf(['node2', 'node3'], ['node1'])],
  ['several primaries', planOf(['node3'], ['node1', 'node2'])],
  ['two datacenters', planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2'])],
]

function alone(model: Model, plan: SwitchPlan): void {
  const sides = [plan.promote, plan.demote].map((side) => side.some(({ node }) => model.running.includes(node)))
  expect(sides, `running: ${model.running}`).not.toEqual([true, true])
}

function settled(model: Model, plan: SwitchPlan): 'promoted' | 'as before' {
  const names = (side: SwitchPlan['promote']) => side.map(({ node }) => node).sort()
  const running = model.running.sort()
  expect(model.standingPlan).toBeUndefined()
  for (const { at } of model.nodes) {
    expect(model.flag('promote', at).value).toBe('NULL')
    expect(model.flag('demote', at).value).toBe('NULL')
  }
  if (running.join() === names(plan.promote).join()) return 'promoted'
  expect(running).toEqual(names(plan.demote))
  return 'as before'
}

describe.each(PLANS)('a switch with %s', (_, plan) => {
  const length = carryOn(new Model(plan), plan, ALL, () => {}).length

  test('stops the old, swaps the roles and starts the new, and never runs both', () => {
    const model = new Model(plan)
    carryOn(model, plan, ALL, () => alone(model, plan))
    expect(settled(model, plan)).toBe('promoted')
  })

  test('goes on after a crash behind every single step', () => {
    for (let crash = 1; crash < length; crash++) {
      const model = new Model(plan)
      carryOn(model, plan, crash, () => alone(model, plan))
      carryOn(model, model.standingPlan ?? plan, ALL, () => alone(model, plan))
      expect(settled(model, plan), `crash after ${crash}`).toBe('promoted')
    }
  })

  test('goes on after a crash between two datacenters that forget it', () => {
    const model = new Model(plan)
    carryOn(model, plan, length - 1, () => alone(model, plan))
    const [first] = plan.swaps
    if (plan.swaps.length > 1) model.plans.delete(first?.datacenter ?? '')
    carryOn(model, model.standingPlan ?? plan, ALL, () => alone(model, plan))
    expect(settled(model, plan)).toBe('promoted')
  })

  test('is undone from every single step, and again after a crash behind every step of that', () => {
    for (let failure = 1; failure < length; failure++) {
      for (let crash = 1; crash < 40; crash++) {
        const model = new Model(plan)
        const watch = () => {
          if (crash % 2 === 0) model.handleFlags() // Nodes whose watches fire at once, and nodes that are waited for.
          alone(model, plan)
        }
        carryOn(model, plan, failure, watch)
        turnBack(model, plan, crash, watch)
        const left = model.standingPlan
        if (left) carryOn(model, left, ALL, watch)
        expect(settled(model, plan), `failure after ${failure}, crash after ${crash}`).toMatch(/./)
      }
    }
  })

  test('comes to its end though the answer to any step is lost, or the step itself', () => {
    for (let election = 1; election < length; election++) {
      for (const isDone of [true, false]) {
        const model = new Model(plan)
        carryOn(model, plan, election, () => alone(model, plan))
        const next = model.next(plan)
        if (isDone && next !== 'turn back' && next.kind !== 'forget') model.perform(plan, next)
        carryOn(model, plan, ALL, () => alone(model, plan))
        expect(settled(model, plan), `election at ${election}`).toBe('promoted')
      }
    }
  })

  test.each<[string, (text: string) => string]>([
    ['lays the cluster key out anew', (text) => JSON.stringify(JSON.parse(text), undefined, 4)],
    ['adds something to it', (text) => JSON.stringify({ ...JSON.parse(text), note: 'hello' })],
    ['adds a standby', (text) => text.replace('"standby_nodes":[', '"standby_nodes":["node9",')],
  ])('doesn’t mind when somebody %s in any step', (_, change) => {
    for (let edit = 1; edit < length; edit++) {
      const model = new Model(plan)
      carryOn(model, plan, edit, () => alone(model, plan))
      model.edit(change)
      carryOn(model, plan, ALL, () => alone(model, plan))
      expect(settled(model, plan), `edit after ${edit}`).toBe('promoted')
    }
  })

  test.each<[string, (text: string) => string]>([
    ['breaks the cluster key', () => 'oops'],
    ['names a stranger', () => '{"active_nodes": ["node9"], "standby_nodes": []}'],
  ])('ends with one side running when somebody %s in any step', (_, change) => {
    for (let edit = 1; edit < length; edit++) {
      const model = new Model(plan)
      carryOn(model, plan, edit, () => alone(model, plan))
      model.next(plan)
      model.edit(change)
      carryOn(model, plan, ALL, () => alone(model, plan))
      expect(settled(model, plan), `edit after ${edit}`).toMatch(/./)
    }
  })

  test('waits for a fence that fails and is tried again, and is undone from it as well', () => {
    for (const isUndone of [false, true]) {
      const model = new Model(plan)
      const [old] = model.nodes
      if (old) old.stuck = 3
      carryOn(model, plan, stepsOf(plan).findIndex(({ kind }) => kind === 'await') + 1, () => alone(model, plan))
      expect(model.state(plan).progress('demote', plan.demote[0] ?? { node: '', datacenter: '' })).toBe('failed')
      if (isUndone) turnBack(model, plan, ALL, () => alone(model, plan))
      else carryOn(model, plan, ALL, () => alone(model, plan))
      expect(settled(model, plan)).toBe(isUndone ? 'as before' : 'promoted')
    }
  })

  test('runs nowhere from the stop of the old to the start of the new, and is known to', () => {
    const model = new Model(plan)
    carryOn(model, plan, ALL, (step) => {
      const isKnown = runsNowhere(plan, model.state(plan))
      if (step.kind !== 'confirm' && step.kind !== 'forget') expect(isKnown, step.kind).toBe(model.running.length === 0)
    })
  })

  test.each([
    ['reports that', false],
    ['reports nothing, and does not pass', true],
  ])('is taken back when the new primary does not start and %s', (_, mute) => {
    const model = new Model(plan)
    for (const node of model.nodes) Object.assign(node, { sound: plan.demote.includes(node.at), mute })
    carryOn(model, plan, ALL, () => alone(model, plan))
    expect(settled(model, plan)).toBe('as before')
  })
})

test('a dead primary is left out, and its demotion stays raised until it has come back and stopped', () => {
  const plan = planOf(['node2'], ['node1'])
  const model = new Model(plan)
  const [node1, node2] = model.nodes
  if (!node1 || !node2) throw new Error('two nodes')
  node1.alive = false
  node1.runs = false
  carryOn(model, withoutWaiting(plan, node1.at), ALL, () => {})
  expect(model.running).toEqual(['node2'])
  expect(model.flag('demote', node1.at).value).toBe('START')
  node1.alive = true
  node1.runs = true
  model.handleFlags()
  expect(model.running).toEqual(['node2'])
})

test('a primary that is cut off and still runs is fenced before the roles change, whatever crashes', () => {
  const plan = planOf(['node2'], ['node1'])
  const [old] = plan.demote
  if (!old) throw new Error('one primary')
  const left = withFence(withoutWaiting(plan, old), old)
  const cutOff = () => {
    const model = new Model(left)
    for (const node of model.nodes) if (node.at.node === old.node) node.alive = false
    return model
  }
  const model = cutOff()
  const steps = carryOn(model, left, ALL, () => alone(model, left)).map(({ kind }) => kind)
  expect(steps.filter((kind) => kind === 'fence' || kind === 'swap')).toEqual(['fence', 'swap'])
  expect(model.running).toEqual(['node2'])
  for (let crash = 1; crash < steps.length; crash++) {
    const again = cutOff()
    carryOn(again, left, crash, () => alone(again, left))
    carryOn(again, again.standingPlan ?? left, ALL, () => alone(again, left))
    expect(again.running, `crash after ${crash}`).toEqual(['node2'])
  }
})

test('a primary that has stopped after all is not fenced any more', () => {
  const plan = planOf(['node2'], ['node1'])
  const [old] = plan.demote
  if (!old) throw new Error('one primary')
  const model = new Model(plan)
  const steps = carryOn(model, withFence(withoutWaiting(plan, old), old), ALL, (step) => {
    if (step.kind === 'raise') model.handleFlags()
  })
  expect(steps.map(({ kind }) => kind)).not.toContain('fence')
  expect(model.running).toEqual(['node2'])
})

test('a dead primary does not stand for the standby of its name in another datacenter', () => {
  const [dead, standby] = ['dc1', 'dc2'].map((datacenter) => ({ node: 'web', datacenter }))
  if (!dead || !standby) throw new Error('two nodes')
  const plan = { ...planOf([], [], ['dc1', 'dc2']), promote: [standby], demote: [dead], skipped: [dead] }
  const state: PlanState = {
    flag: () => 'START',
    progress: () => 'behind',
    roles: () => 'before',
    isRecorded: () => true,
  }
  expect(nextStep(plan, state)).toEqual({ kind: 'await', direction: 'promote', at: standby })
  expect([...skippedLines(plan)]).toEqual(['Demoting primary node web', 'Clearing demotion trigger for node web'])
})

/** Everything is as it was before a switch, but for what is told. */
function seen(about: Partial<PlanState> = {}): PlanState {
  return { flag: () => 'NULL', progress: () => 'done', roles: () => 'before', isRecorded: () => true, ...about }
}

describe('a datacenter that is out of reach', () => {
  const plan = planOf(['node2.dc2', 'node3.dc1'], ['node1.dc1'], ['dc1', 'dc2'])
  const away = (about: Partial<PlanState> = {}) =>
    seen({ roles: (dc) => (dc === 'dc2' ? 'unreachable' : 'after'), ...about })

  test('gets its roles later, and nobody can tell how its nodes are', () => {
    expect(pendingDatacenters(plan, away())).toEqual(['dc2'])
    expect(pendingDatacenters(plan, seen())).toEqual([])
    const progress: PlanState['progress'] = (_, { datacenter }) => (datacenter === 'dc2' ? 'unknown' : 'behind')
    expect(unconfirmedNodes(plan, away({ progress }))).toEqual(['node2.dc2'])
    expect(unconfirmedNodes(plan, seen())).toEqual([])
  })

  test('and its nodes are waited for in no step', () => {
    expect(nextStep(plan, away({ flag: () => 'START', progress: () => 'behind' }))).toMatchObject({
      kind: 'clear',
      at: { node: 'node1.dc1' },
    })
    expect(nextStep(plan, away({ progress: () => 'behind' }))).toMatchObject({
      kind: 'confirm',
      at: { node: 'node3.dc1' },
    })
  })

  test('may be that of the old primary: nobody can wait for it to stop', () => {
    const plan = planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2'])
    const flag: PlanState['flag'] = (direction) => (direction === 'demote' ? 'START' : 'WAIT')
    const lost = seen({ roles: (dc) => (dc === 'dc1' ? 'unreachable' : 'before'), flag })
    expect(nextStep(plan, lost)).toEqual({ kind: 'swap', datacenter: 'dc2', to: 'after' })
  })
})

test('no role goes to another when one of the old is seen to run at a second look', () => {
  const plan = planOf(['node2'], ['node1', 'node0'])
  const looks = new Map<string, number>()
  const flag: PlanState['flag'] = (_, { node }) => {
    const nth = (looks.get(node) ?? 0) + 1
    looks.set(node, nth)
    return node === 'node0' && nth > 2 ? 'START' : 'WAIT' // It was raised, and it has stopped.
  }
  expect(() => nextStep(plan, seen({ flag }))).toThrow('no role goes to another while its node may run the service')
})

test('a dead node’s promotion that was left over is cleared though its demotion stays raised', () => {
  const plan = planOf(['node2'], ['node1'])
  const left = { ...plan, undoes: 'another', skipped: plan.demote }
  const state = seen({ roles: () => 'after', flag: (_, { node }) => (node === 'node1' ? 'START' : 'NULL') })
  expect(nextStep(left, state)).toEqual({ kind: 'clear', direction: 'promote', at: plan.demote[0] })
})

describe('a switch that failed', () => {
  const plan = planOf(['node3', 'node2'], ['node1', 'node0'])
  const after = (...cleared: readonly string[]) =>
    seen({ roles: () => 'after', flag: (_, { node }) => (cleared.includes(node) ? 'NULL' : 'WAIT') })

  test('is turned round before anybody was cleared under the new roles', () => {
    expect(rollbackOf(plan, after(), 'it failed')).toMatchObject({ course: 'back', why: 'it failed' })
    expect(rollbackOf(plan, seen(), 'it failed')).toMatchObject({ course: 'back' })
  })

  test.each(['node3', 'node2', 'node1', 'node0'])('is taken back by another switch once %s was', (node) => {
    expect(rollbackOf(plan, after(node), 'it failed')).toMatchObject({ course: 'forward', undoes: plan.id })
  })

  test('is turned round though the flag of a dead one is clear', () => {
    const left = withoutWaiting(plan, { node: 'node1', datacenter: 'dc1' })
    expect(rollbackOf(left, after('node1'), 'it failed')).toMatchObject({ course: 'back' })
  })

  test('is not turned round twice', () => {
    expect(rollbackOf({ ...plan, course: 'back' }, after(), 'it failed')).toBeUndefined()
  })
})

describe('roles that somebody else has changed', () => {
  const plan = planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2'])
  const changed = seen({ roles: (dc) => (dc === 'dc2' ? 'other' : 'after') })

  test.each([
    ['are for people to say when nothing is known of them', undefined, 'ask'],
    ['are set again when the new ones stood there', 'after', 'restore'],
    ['undo the switch when the old ones did', 'before', 'undo'],
  ] as const)('%s', (_, last, answer) => {
    const known = new Map([['dc1', 'after'] as const, ...(last ? [['dc2', last] as const] : [])])
    expect(roleConflict(plan, changed, known)).toEqual({ datacenter: 'dc2', answer })
  })

  test('are nothing to a switch on its way back, and those of the switch itself are no conflict', () => {
    expect(roleConflict({ ...plan, course: 'back' }, changed, new Map())).toBeUndefined()
    expect(roleConflict(plan, seen(), new Map())).toBeUndefined()
  })
})

test('a switch of two datacenters waits for no flag once one of them has its new roles', () => {
  const plan = planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2'])
  const roles = (dc: string) => (dc === 'dc1' ? 'after' : 'before')
  expect(nextStep(plan, seen({ roles, flag: () => 'START' }))).toEqual({ kind: 'swap', datacenter: 'dc2', to: 'after' })
})

test('the roles are taken back in the opposite order of that in which they were set', () => {
  const back = { ...planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2']), course: 'back' } as const
  expect(nextStep(back, seen({ roles: () => 'after' }))).toEqual({ kind: 'swap', datacenter: 'dc2', to: 'before' })
})

describe('the service runs nowhere', () => {
  const plan = planOf(['node2'], ['node1', 'node0'])
  const back = { ...plan, course: 'back' } as const
  const flags =
    (demote: Record<string, FlagValue>, promote: FlagValue = 'WAIT'): PlanState['flag'] =>
    (direction, { node }) =>
      direction === 'promote' ? promote : (demote[node] ?? 'WAIT')
  const after = () => 'after' as const

  test.each<[string, SwitchPlan, Partial<PlanState>, boolean]>([
    ['when all have stopped', plan, { flag: flags({}) }, true],
    ['unless one of the old has yet to stop', plan, { flag: flags({ node1: 'START' }) }, false],
    ['unless one of the old was never asked', plan, { flag: flags({ node1: 'NULL' }) }, false],
    ['when the old were cleared under the new roles', plan, { flag: flags({ node1: 'NULL' }), roles: after }, true],
    [
      'unless the new was cleared under its role and has started',
      plan,
      { flag: flags({}, 'NULL'), roles: after },
      false,
    ],
    ['while the new waits under its role', plan, { flag: flags({}), roles: after }, true],
    ['when the new was cleared before it had its role', plan, { flag: flags({}, 'NULL') }, true],
    [
      'when the new has not started yet',
      plan,
      { flag: flags({}, 'NULL'), roles: after, progress: () => 'behind' },
      true,
    ],
    ['unless an old one is back', back, { flag: flags({ node1: 'NULL' }) }, false],
    ['when the old ones are not back yet', back, { flag: flags({ node1: 'NULL' }), progress: () => 'failed' }, true],
    [
      'though a dead one’s demotion is raised',
      { ...plan, skipped: [{ node: 'node1', datacenter: 'dc1' }] },
      { flag: flags({ node1: 'START' }) },
      true,
    ],
  ])('%s', (_, plan, about, isNowhere) => {
    expect(runsNowhere(plan, seen(about))).toBe(isNowhere)
  })
})

test('a dead node’s demotion alone stays raised, and on the way forward alone', () => {
  const [dead, alive] = ['node1', 'node0'].map((node) => ({ node, datacenter: 'dc1' }))
  if (!dead || !alive) throw new Error('two nodes')
  const plan = { ...planOf(['node2'], ['node1', 'node0']), skipped: [dead] }
  const raised = (direction: string, flag: FlagValue) =>
    seen({ roles: () => 'after', flag: (of) => (of === direction ? flag : 'NULL') })
  expect(nextStep(plan, raised('demote', 'START'))).toEqual({ kind: 'clear', direction: 'demote', at: alive })
  expect(nextStep(plan, raised('demote', 'WAIT'))).toEqual({ kind: 'clear', direction: 'demote', at: dead })
  const undone = seen({ flag: (of) => (of === 'demote' ? 'START' : 'NULL') })
  expect(nextStep({ ...plan, course: 'back' }, undone)).toEqual({ kind: 'clear', direction: 'demote', at: dead })
})

test('a plan that is read back is the same plan', () => {
  const plan = planOf(['node2'], ['node1'])
  const model = new Model(plan)
  carryOn(model, plan, 1, () => {})
  const again = model.standingPlan
  expect(again && nextStep(again, model.state(again))).toEqual(nextStep(plan, model.state(plan)))
})

describe('the lines of a switch', () => {
  const plan = planOf(['node2'], ['node1'])
  const tell = (skipped: readonly string[] = []) => {
    const said: string[] = []
    const output = {
      begin: (line: string) => void said.push(`${line}...`),
      end: (result: string) => void said.push(`${result}\n`),
    }
    return {
      script: new StepPrinter(
        output,
        stepsOf(plan),
        skippedLines({ ...plan, skipped: plan.demote.filter(({ node }) => skipped.includes(node)) }),
      ),
      text: () => said.join(''),
    }
  }

  test('are those of the document, in its order', () => {
    const { script, text } = tell()
    for (const step of stepsOf(plan)) script.reach(step)
    expect(text()).toBe(`Starting promotion for node node2...SUCCESS
Starting demotion for node node1...SUCCESS
Demoting primary node node1...SUCCESS
Promoting secondary node node2...SUCCESS
Switching cluster primary/secondary node roles...SUCCESS
Clearing demotion trigger for node node1...SUCCESS
Clearing promotion trigger for node node2...SUCCESS
`)
  })

  test('include a step that somebody else had done before we came to it', () => {
    const { script, text } = tell()
    for (const step of stepsOf(plan)) if (step.kind !== 'await') script.reach(step)
    expect(text()).toContain('Demoting primary node node1...SUCCESS\nPromoting secondary node node2...SUCCESS\n')
  })

  test('begin where a switch is gone on with', () => {
    const { script, text } = tell()
    for (const step of stepsOf(plan).slice(5)) script.reach(step)
    expect(text()).toMatch(/^Switching cluster primary\/secondary node roles\.\.\.SUCCESS\nClearing demotion/)
  })

  test('say which steps a dead node was spared, and where it failed', () => {
    const { script, text } = tell(['node1'])
    for (const step of stepsOf(plan)) {
      if (step.kind === 'await' && step.at.node === 'node1') continue
      script.reach(step)
      if (stepLine(step)?.startsWith('Switching')) break
    }
    script.fail()
    expect(text()).toContain('Demoting primary node node1...SKIPPED\n')
    expect(text()).toMatch(/roles\.\.\.FAILED\n$/)
  })
})
