import { describe, expect, test } from 'vitest'
import { lineOf, linesSkipped, Script } from '../../src/switchover/lines.ts'
import { type Plan, skipping } from '../../src/switchover/plan.ts'
import { nextStep, runsNowhere, type Sight, stepsOf } from '../../src/switchover/protocol.ts'
import { carryOn, Model, turnBack } from './switchover-model.ts'

const ALL = Number.POSITIVE_INFINITY

function planOf(promote: readonly string[], demote: readonly string[], datacenters: readonly string[] = ['dc1']): Plan {
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

const PLANS: [string, Plan][] = [
  ['one primary and one standby', planOf(['node2'], ['node1'])],
  ['several standbys', planOf(['node2', 'node3'], ['node1'])],
  ['several primaries', planOf(['node3'], ['node1', 'node2'])],
  ['two datacenters', planOf(['node2.dc2'], ['node1.dc1'], ['dc1', 'dc2'])],
]

function alone(model: Model, plan: Plan): void {
  const sides = [plan.promote, plan.demote].map((side) => side.some(({ node }) => model.running.includes(node)))
  expect(sides, `running: ${model.running}`).not.toEqual([true, true])
}

function settled(model: Model, plan: Plan): 'promoted' | 'as before' {
  const names = (side: Plan['promote']) => side.map(({ node }) => node).sort()
  const running = model.running.sort()
  expect(model.journal).toBeUndefined()
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
      carryOn(model, model.journal ?? plan, ALL, () => alone(model, plan))
      expect(settled(model, plan), `crash after ${crash}`).toBe('promoted')
    }
  })

  test('goes on after a crash between two datacenters that forget it', () => {
    const model = new Model(plan)
    carryOn(model, plan, length - 1, () => alone(model, plan))
    const [first] = plan.swaps
    if (plan.swaps.length > 1) model.journals.delete(first?.datacenter ?? '')
    carryOn(model, model.journal ?? plan, ALL, () => alone(model, plan))
    expect(settled(model, plan)).toBe('promoted')
  })

  test('is undone from every single step, and again after a crash behind every step of that', () => {
    for (let failure = 1; failure < length; failure++) {
      for (let crash = 1; crash < 40; crash++) {
        const model = new Model(plan)
        const watch = () => {
          if (crash % 2 === 0) model.attend() // Nodes whose watches fire at once, and nodes that are waited for.
          alone(model, plan)
        }
        carryOn(model, plan, failure, watch)
        turnBack(model, plan, crash, watch)
        const left = model.journal
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
      expect(model.sight(plan).report('demote', plan.demote[0] ?? { node: '', datacenter: '' })).toBe('failed')
      if (isUndone) turnBack(model, plan, ALL, () => alone(model, plan))
      else carryOn(model, plan, ALL, () => alone(model, plan))
      expect(settled(model, plan)).toBe(isUndone ? 'as before' : 'promoted')
    }
  })

  test('runs nowhere from the stop of the old to the start of the new, and is known to', () => {
    const model = new Model(plan)
    carryOn(model, plan, ALL, (step) => {
      const isKnown = runsNowhere(plan, model.sight(plan))
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
  carryOn(model, skipping(plan, node1.at), ALL, () => {})
  expect(model.running).toEqual(['node2'])
  expect(model.flag('demote', node1.at).value).toBe('START')
  node1.alive = true
  node1.runs = true
  model.attend()
  expect(model.running).toEqual(['node2'])
})

test('a dead primary does not stand for the standby of its name in another datacenter', () => {
  const [dead, standby] = ['dc1', 'dc2'].map((datacenter) => ({ node: 'web', datacenter }))
  if (!dead || !standby) throw new Error('two nodes')
  const plan = { ...planOf([], [], ['dc1', 'dc2']), promote: [standby], demote: [dead], skipped: [dead] }
  const sight: Sight = { flag: () => 'START', report: () => 'behind', roles: () => 'before', isRecorded: () => true }
  expect(nextStep(plan, sight)).toEqual({ kind: 'await', direction: 'promote', at: standby })
  expect([...linesSkipped(plan)]).toEqual(['Demoting primary node web', 'Clearing demotion trigger for node web'])
})

test('a plan that is read back is the same plan', () => {
  const plan = planOf(['node2'], ['node1'])
  const model = new Model(plan)
  carryOn(model, plan, 1, () => {})
  const again = model.journal
  expect(again && nextStep(again, model.sight(again))).toEqual(nextStep(plan, model.sight(plan)))
})

describe('the lines of a switch', () => {
  const plan = planOf(['node2'], ['node1'])
  const tell = (skipped: readonly string[] = []) => {
    const said: string[] = []
    const teller = {
      begin: (line: string) => void said.push(`${line}...`),
      end: (verdict: string) => void said.push(`${verdict}\n`),
    }
    return {
      script: new Script(
        teller,
        stepsOf(plan),
        linesSkipped({ ...plan, skipped: plan.demote.filter(({ node }) => skipped.includes(node)) }),
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
      if (lineOf(step)?.startsWith('Switching')) break
    }
    script.fail()
    expect(text()).toContain('Demoting primary node node1...SKIPPED\n')
    expect(text()).toMatch(/roles\.\.\.FAILED\n$/)
  })
})
