import { expect, test, vi } from 'vitest'
import { fenceNode, leavingOut } from '../../../src/switchover/fencing.ts'
import type { SwitchPlan } from '../../../src/switchover/plan.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const OLD = { node: 'a', datacenter: 'dc1' }
const NEW = { node: 'b', datacenter: 'dc1' }
const PLAN: SwitchPlan = {
  id: 'one',
  revision: 1,
  course: 'forward',
  promote: [NEW],
  demote: [OLD],
  skipped: [],
  swaps: [],
  by: 'b',
  since: '2026-05-01T12:00:00Z',
}

test('an old primary that is left out is fenced, and then no more', async () => {
  const { ctx } = virtualLock()
  const fence = vi.fn(async () => {})
  const left = leavingOut(PLAN, OLD, { fence })
  expect(left).toMatchObject({ skipped: [OLD], unfenced: [OLD] })
  expect(await fenceNode(ctx, left, OLD, { fence })).toMatchObject({ skipped: [OLD], unfenced: [] })
  expect(fence).toHaveBeenCalledExactlyOnceWith(ctx, OLD)
})

test('one is left out without a fence where there is none', () => {
  expect(leavingOut(PLAN, OLD, { fence: undefined })).toEqual({ ...PLAN, revision: 2, skipped: [OLD] })
})

test('whatever a plan says, no new primary is left out or switched off', async () => {
  const { ctx } = virtualLock()
  const fence = vi.fn(async () => {})
  expect(() => leavingOut(PLAN, NEW, { fence })).toThrow('is waited for')
  await expect(fenceNode(ctx, { ...PLAN, unfenced: [NEW] }, NEW, { fence })).rejects.toThrow('but an old primary')
  expect(fence).not.toHaveBeenCalled()
})
