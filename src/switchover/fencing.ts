import assert from 'node:assert'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { fenced, type SwitchPlan, withFence, withoutWaiting } from './plan.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { SwitchWorld } from './switch-world.ts'

/** The plan without waiting for a node any longer: who has not stopped is to be fenced, if that is possible. */
export function leavingOut(plan: SwitchPlan, at: NodeAt, { fence }: Pick<SwitchWorld, 'fence'>): SwitchPlan {
  assert(isAmong(at, plan.demote), 'who is to become primary, or to start again, is waited for')
  const left = withoutWaiting(plan, at)
  return fence ? withFence(left, at) : left
}

/**
 * Switches a node off that is left out, and settles with the plan in which it is. Only under the lock: two who fence
 * each other's nodes leave nobody. Rejects with a `Failure` when the node may be on.
 */
export async function fenceNode(
  ctx: Context,
  plan: SwitchPlan,
  at: NodeAt,
  { fence }: Pick<SwitchWorld, 'fence'>,
): Promise<SwitchPlan> {
  if (!fence) {
    throw new Failure('precondition', `${at.node} is to be fenced, and this script has no fence_command`, {
      hint: '--fenced goes on without, once you have switched it off',
    })
  }
  assert(isAmong(at, plan.demote), 'no node is switched off but an old primary')
  await fence(ctx, at)
  return fenced(plan, [at])
}
