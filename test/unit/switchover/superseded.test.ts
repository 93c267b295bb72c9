import { expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { readKey } from '../../../src/consul/kv.ts'
import { transact } from '../../../src/consul/txn.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { flagKey } from '../../../src/switchover/flags.ts'
import { type SwitchPlan, turnedBack } from '../../../src/switchover/plan.ts'
import { isSuperseded, planKey, serializePlan } from '../../../src/switchover/plan-store.ts'
import { Switch } from '../../../src/switchover/switch.ts'
import { withSwitchLock } from '../../../src/switchover/switch-lock.ts'
import type { SwitchResult } from '../../../src/switchover/switch-world.ts'
import { FaultyTransport, type Policy, strangeReply, type WireFate } from '../../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const HOME = 'dc1'
const CLUSTER = { service: 'oracle', key: 'cluster/oracle' }
const KEY = planKey(CLUSTER.service)
const STOPPED = flagKey(CLUSTER.service, 'a', 'demote')
const READY = flagKey(CLUSTER.service, 'b', 'promote')

const at = (node: string) => ({ node, datacenter: HOME })
const roles = (active: string, ...standby: string[]) =>
  JSON.stringify({ active_nodes: [active], standby_nodes: standby })

const PLAN: SwitchPlan = {
  id: 'one',
  revision: 1,
  course: 'forward',
  promote: [at('b')],
  demote: [at('a')],
  skipped: [],
  swaps: [{ datacenter: HOME, before: roles('a', 'b', 'c'), after: roles('b', 'a', 'c') }],
  by: 'b',
  since: '2026-05-01T12:00:00Z',
}

const OTHER: SwitchPlan = {
  ...PLAN,
  id: 'two',
  promote: [at('c')],
  swaps: [{ datacenter: HOME, before: roles('a', 'b', 'c'), after: roles('c', 'a', 'b') }],
  by: 'c',
}

const FINE: Policy = () => ({})
const CUT_OFF: Policy = () => ({ fault: { kind: 'refused' } })
const UNSEEN: Policy = ({ path }) => (path.includes('/kv/service/') ? { fault: { kind: 'refused' } } : {})

/** Longer than a session lives whose holder is cut off, and than another operator waits for it. */
const OUTAGE_MS = 40_000

/** Two operators at `b` and `c`; nobody answers the flags. */
async function operators() {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  let wire = FINE
  const breakable = new FaultyTransport(agent.transport('b'), clock, (request) => wire(request))
  const consuls = { b: new Consul(NO_SETTINGS, breakable), c: new Consul(NO_SETTINGS, agent.transport('c')) }
  const fenced: string[] = []
  const put = (key: string, value: string) => clock.run(transact(ctx, consuls.c, [{ verb: 'set', key, value }]))
  const begin = (
    self: 'b' | 'c',
    plan: SwitchPlan,
    how: 'new' | 'found' | 'found before',
    work: (it: Switch, ctx: Context) => Promise<SwitchResult>,
  ) => {
    const consul = consuls[self]
    const who = { host: self, pid: 1, user: 'op', command: [], isAlive: () => true }
    return withSwitchLock(ctx, consul, CLUSTER.service, who, (ctx, lock) => {
      const found = how === 'new' ? {} : { foundIn: how === 'found' ? lock.turn : lock.turn - 1 }
      const world = {
        ...{ consul, cluster: CLUSTER, self: at(self), lock, output: { begin() {}, end() {} } },
        ...{ handleOwnFlag: async () => {}, interruption: new AbortController().signal },
        fence: async (_: Context, { node }: { node: string }) => void fenced.push(node),
      }
      return work(new Switch(world, { stepMs: 60_000, deadAfterMs: undefined }, { plan, ...found }), ctx)
    })
  }
  await clock.run(readKey(ctx, new Consul(NO_SETTINGS, agent.transport('a')), KEY)) // Has the node join.
  await put(CLUSTER.key, roles('a', 'b', 'c'))
  return {
    clock,
    put,
    fenced,
    /** The switch at `b`: its end, whatever that is. */
    ours(plan = PLAN, how: 'new' | 'found before' = 'new'): Promise<unknown> {
      return begin('b', plan, how, (it, ctx) => it.run(ctx)).catch((thrown: unknown) => thrown)
    },
    /** The operator at `c` undoes a switch. */
    async undo(plan = PLAN) {
      const end = await clock.run(begin('c', plan, 'found', (it, ctx) => it.undo(ctx, 'aborted')))
      expect(end).toMatchObject({ kind: 'undone' })
    },
    /** From now on the wire does this to what `b` asks. */
    meet(policy: Policy) {
      wire = policy
    },
    delete: (key: string) => clock.run(transact(ctx, consuls.c, [{ verb: 'delete', key }])),
    destroySession: () => agent.operator.destroySession(agent.operator.entry(LOCK)?.session ?? ''),
    text(key: string) {
      const entry = agent.operator.entry(key)
      return entry && Buffer.from(entry.value ?? '', 'base64').toString()
    },
  }
}

type Lab = Awaited<ReturnType<typeof operators>>

const LOCK = 'consul-locker-switchover/oracle'

/** The first write of the switch meets this, and then the wire is cut. */
function cutAtFirstWrite({ meet }: Lab, fate: WireFate): void {
  let isCut = false
  meet((request) => {
    if (isCut) return CUT_OFF(request)
    isCut = request.method === 'PUT' && request.path.startsWith('/v1/txn?dc=') // The lock's own names no datacenter.
    return isCut ? fate : {}
  })
}

const undone = ({ undo }: Lab) => undo()
const replaced = async ({ undo, put }: Lab) => {
  await undo()
  await put(KEY, serializePlan(OTHER))
}
const turned = ({ put }: Lab) => put(KEY, serializePlan(turnedBack(PLAN, 'aborted')))

test.each([
  ['undone', undone, undefined],
  ['undone, and another one begun', replaced, OTHER],
  ['turned back, and left so', turned, turnedBack(PLAN, 'aborted')],
])('a switch that was %s while it was cut off writes nothing any more', async (_, meanwhile, stands) => {
  const lab = await operators()
  const { clock, meet, text, ours } = lab
  const end = ours()
  await clock.advance(5000)
  expect([text(KEY), text(STOPPED)]).toEqual([serializePlan(PLAN), 'START'])
  meet(CUT_OFF)
  await clock.advance(OUTAGE_MS)
  await meanwhile(lab)
  const flags = [text(STOPPED), text(READY)]
  meet(FINE)
  expect(await clock.run(end)).toMatchObject({ code: 'conflict' })
  expect([text(KEY), text(STOPPED), text(READY)]).toEqual([stands && serializePlan(stands), ...flags])
})

test('a switch whose first write has no answer is undone for good', async () => {
  const lab = await operators()
  const { clock, meet, text, ours, undo } = lab
  cutAtFirstWrite(lab, { fault: { kind: 'cut' } })
  const end = ours()
  await clock.advance(OUTAGE_MS)
  expect(text(KEY)).toEqual(serializePlan(PLAN))
  await undo()
  meet(FINE)
  expect(await clock.run(end)).toMatchObject({ code: 'conflict' })
  expect(text(KEY)).toBeUndefined()
})

test('a switch that was found in Consul and ended by others before the first look is not begun anew', async () => {
  const { clock, text, ours } = await operators()
  expect(await clock.run(ours(PLAN, 'found before'))).toMatchObject({ code: 'conflict' })
  expect(text(KEY)).toBeUndefined()
})

test('a switch whose plan is deleted by hand while the lock is its own writes it anew, and goes on', async () => {
  const lab = await operators()
  const { clock, put, text, ours } = lab
  const end = ours()
  await clock.advance(5000)
  await lab.delete(KEY)
  await clock.advance(5000)
  expect(text(KEY)).toEqual(serializePlan(PLAN))
  await put(STOPPED, 'WAIT')
  await put(READY, 'WAIT')
  expect(await clock.run(end)).toMatchObject({ kind: 'switched' })
  expect([text(KEY), text(STOPPED), text(READY)]).toEqual([undefined, 'NULL', 'NULL'])
})

test('a switch whose plan goes with its lock while it is looking writes it no more', async () => {
  const lab = await operators()
  const { clock, meet, put, text, ours, destroySession } = lab
  const end = ours()
  await clock.advance(5000)
  // A look lasts so long, and sees what stands there in the end.
  meet(({ path }) => ({ outMs: path.includes('/kv/service/') ? 3000 : 0 }))
  await clock.advance(10_000)
  await put(STOPPED, 'WAIT') // Once that is seen, the next look is for the next step.
  await clock.advance(2000)
  for (const key of [STOPPED, READY]) await put(key, 'NULL')
  await lab.delete(KEY)
  destroySession()
  expect(await clock.run(end)).toMatchObject({ code: 'conflict' })
  expect([text(KEY), text(STOPPED), text(READY)]).toEqual([undefined, 'NULL', 'NULL'])
})

test('a switch whose plan was deleted by hand while it was cut off tells how its flags are cleared', async () => {
  const lab = await operators()
  const { clock, meet, text, ours } = lab
  const end = ours()
  await clock.advance(5000)
  meet(CUT_OFF)
  await clock.advance(OUTAGE_MS)
  await lab.delete(KEY)
  meet(FINE)
  expect(await clock.run(end)).toMatchObject({
    code: 'conflict',
    message: 'the plan of this switch was deleted, and its flags still stand',
    hint:
      'to clear them: consul-locker promote oracle --node b --datacenter dc1 --set NULL && ' +
      'consul-locker demote oracle --node a --datacenter dc1 --set NULL; status shows who is primary',
  })
  expect([text(KEY), text(STOPPED), text(READY)]).toEqual([undefined, 'START', 'START'])
})

test.each([
  ['is cut off', CUT_OFF],
  ['sees no flag any more', UNSEEN],
])('a switch that %s while nobody runs the service says no more than that nobody may', async (_, policy) => {
  const { clock, meet, put, ours } = await operators()
  const end = ours()
  await clock.advance(5000)
  await put(STOPPED, 'WAIT')
  await clock.advance(5000)
  meet(policy)
  expect(await clock.run(end)).toMatchObject({
    code: 'failed',
    message: expect.stringContaining('; the service may run nowhere, and the switch stands where it is'),
  })
})

test('a switch that is not begun yet leaves the plan of another one alone', async () => {
  const { clock, put, text, ours } = await operators()
  await put(KEY, serializePlan(OTHER))
  expect(await clock.run(ours())).toMatchObject({ code: 'conflict' })
  expect(text(KEY)).toEqual(serializePlan(OTHER))
})

test('a switch goes on when its first write has no answer, and its lock is lost', async () => {
  const lab = await operators()
  const { clock, meet, ours, put, destroySession } = lab
  cutAtFirstWrite(lab, { fault: { kind: 'cut' } })
  const end = ours()
  await clock.advance(5000)
  destroySession()
  meet(FINE)
  await clock.advance(20_000)
  await put(STOPPED, 'WAIT')
  await put(READY, 'WAIT')
  expect(await clock.run(end)).toMatchObject({ kind: 'switched' })
})

test('a switch whose plan Consul does not take says so', async () => {
  const lab = await operators()
  const { clock, ours, meet } = lab
  const reply = strangeReply(413, 'too large')
  meet(({ path }) => (path.startsWith('/v1/txn?dc=') ? { fault: { kind: 'answered', reply } } : {}))
  expect(await clock.run(ours())).toMatchObject({ code: 'failed', message: expect.stringContaining('too large') })
})

test('nobody is fenced by a switch that others have undone while it waited for its lock', async () => {
  const { clock, meet, put, undo, ours, destroySession, fenced } = await operators()
  const plan: SwitchPlan = { ...PLAN, skipped: [at('a')], unfenced: [at('a')] }
  const end = ours(plan)
  await clock.advance(5000)
  meet((request) => (request.path.startsWith('/v1/session/create') ? CUT_OFF(request) : {}))
  destroySession()
  await put(READY, 'WAIT') // To fence the node is the next step.
  await clock.advance(5000)
  await undo(plan)
  meet(FINE)
  expect(await clock.run(end)).toMatchObject({ code: 'conflict' })
  expect(fenced).toEqual([])
})

test.each<[string, boolean, SwitchPlan[], boolean]>([
  ['stands', true, [PLAN], false],
  ['is to be written first', false, [], false],
  ['is gone', true, [], true],
  ['is another one', true, [OTHER], true],
  ['stands in one datacenter of two as yet', true, [OTHER, PLAN], false],
  ['was changed by us, and stands as it was', true, [{ ...PLAN, revision: 0 }], false],
  ['was changed by others', true, [PLAN, turnedBack(PLAN, 'aborted')], true],
  ['was changed by others as often as by us', true, [{ ...PLAN, by: 'c' }], true],
  [
    'was changed so by others in a datacenter where it is not written down yet',
    true,
    [{ ...PLAN, by: 'c' }, PLAN],
    false,
  ],
])('a plan that %s', (_, hasStood, standing, superseded) => {
  expect(isSuperseded(PLAN, standing, hasStood)).toBe(superseded)
})
