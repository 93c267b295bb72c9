import { expect, test } from 'vitest'
import { Retry } from '../../../src/consul/retry.ts'
import { transact } from '../../../src/consul/txn.ts'
import { readSite } from '../../../src/switchover/cluster-site.ts'
import { ObservedPlan } from '../../../src/switchover/observed-plan.ts'
import type { SwitchPlan } from '../../../src/switchover/plan.ts'
import { planKey, serializePlan } from '../../../src/switchover/plan-store.ts'
import { deletePlan } from '../../../src/switchover/write-step.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const HOME = 'dc1'
const CLUSTER = { service: 'oracle', key: 'cluster/oracle' }
const KEY = planKey(CLUSTER.service)
const PLAN: SwitchPlan = {
  id: 'one',
  revision: 0,
  course: 'forward',
  promote: [{ node: 'b', datacenter: HOME }],
  demote: [{ node: 'a', datacenter: HOME }],
  skipped: [],
  swaps: [{ datacenter: HOME, before: '{}', after: '{}' }],
  by: 'b',
  since: '2026-05-01T12:00:00Z',
}

/** A switch that has all done but for taking its plan away. */
async function allButOver() {
  const lock = virtualLock()
  const { clock, ctx } = lock
  const consul = lock.consul()
  const ours = won(await clock.run(lock.acquire()))
  const write = (value: string) => transact(ctx, consul, [{ verb: 'set', key: KEY, value }])
  await clock.run(write(serializePlan(PLAN)))
  const site = await clock.run(readSite(ctx, consul, CLUSTER, HOME))
  const observed = new ObservedPlan(PLAN, CLUSTER, 'b', [site], new Map())
  const lockProof = { verb: 'check-session', key: lock.key, session: ours.sessionId } as const
  const performing = { cluster: CLUSTER, plan: PLAN, observed, home: HOME, lockProof }
  return {
    ...lock,
    write,
    /** The first try meets a fault, and the lock is lost before the second. */
    loseFirst(kind: 'cut' | 'refused', meanwhile: () => void = () => {}) {
      let sent = 0
      lock.meet(({ path }) => {
        if (!path.startsWith('/v1/txn')) return {}
        sent += 1
        if (sent === 2) {
          lock.operator.destroySession(ours.sessionId)
          meanwhile()
        }
        return sent === 1 ? { fault: { kind } } : {}
      })
    },
    async forget() {
      const isGone = await clock.run(new Retry(consul).until(ctx, () => deletePlan(ctx, performing)))
      ours.session.end()
      return isGone
    },
  }
}

test('a plan that was taken away is gone, though the reply was lost, and the lock before the next try', async () => {
  const { loseFirst, forget, operator } = await allButOver()
  loseFirst('cut')
  expect(await forget()).toBe(true)
  expect(operator.entry(KEY)).toBeUndefined()
})

test('a plan stands on when the lock is lost before it was taken away', async () => {
  const { loseFirst, forget, operator } = await allButOver()
  loseFirst('refused')
  expect(await forget()).toBe(false)
  expect(operator.entry(KEY)).toBeDefined()
})

test("another switch's plan is left alone", async () => {
  const { loseFirst, forget, write, operator } = await allButOver()
  const other = serializePlan({ ...PLAN, id: 'two' })
  loseFirst('cut', () => void write(other))
  expect(await forget()).toBe(false)
  expect(Buffer.from(operator.entry(KEY)?.value ?? '', 'base64').toString()).toBe(other)
})
