import type { Context } from '../base/context.ts'
import { readKey } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import type { ClusterId, ClusterSite } from './cluster-site.ts'
import { changeFlag, flagKey } from './flags.ts'
import type { ObservedPlan } from './observed-plan.ts'
import type { SwitchPlan } from './plan.ts'
import { planKey, serializePlan } from './plan-store.ts'
import type { SwitchStep } from './protocol.ts'

/** Steps that we do ourselves, by one transaction in one datacenter. */
export type WrittenStep = Extract<SwitchStep, { kind: 'record' | 'raise' | 'swap' | 'clear' }>

export interface StepWrite {
  readonly cluster: ClusterId
  readonly plan: SwitchPlan
  readonly observed: ObservedPlan
  /** Our datacenter, and the step that proves there that the lock is ours. */
  readonly home: string
  readonly lockProof: TxnOp
}

/**
 * Does a step, unless what it depends on has changed since it was seen: the flag, the plan, the roles, our lock.
 * Settles with whether it was done.
 */
export async function writeStep(ctx: Context, performing: StepWrite, step: WrittenStep): Promise<boolean> {
  const datacenter = 'at' in step ? step.at.datacenter : step.datacenter
  const site = performing.observed.site(datacenter)
  if (!site) return false
  const guard = datacenter === performing.home ? [performing.lockProof] : []
  const outcome = await transact(ctx, site.consul, [...guard, ...changeOf(performing, site, step)])
  if (!outcome.done) ctx.log.debug(`${step.kind} was not done: ${outcome.reasons.join('; ')}`)
  return outcome.done
}

/**
 * Takes the plan away in every datacenter, our own last: as long as that one stands, the switch isn't over. Settles
 * with whether it is gone, and can be done again.
 */
export async function deletePlan(
  ctx: Context,
  { cluster, plan, observed, home, lockProof }: StepWrite,
): Promise<boolean> {
  const datacenters = plan.swaps.map(({ datacenter }) => datacenter).filter((datacenter) => datacenter !== home)
  for (const datacenter of [...datacenters, home]) {
    const site = observed.site(datacenter)
    if (!site?.planEntry) continue
    const guard = datacenter === home ? [lockProof] : []
    const removal: TxnOp = { verb: 'delete-cas', key: planKey(cluster.service), index: site.planEntry.modifyIndex }
    const outcome = await transact(ctx, site.consul, [...guard, removal])
    if (outcome.done) continue
    // An attempt whose reply was lost may have taken it away before the lock left us: recorded anew, it would be
    // carried out once more on what others have made of the roles since.
    if (!(await readKey(ctx, site.consul, removal.key, { consistent: true })).entry) continue
    ctx.log.debug(`the plan was not taken away in ${datacenter}: ${outcome.reasons.join('; ')}`)
    return false
  }
  return true
}

function changeOf({ cluster, plan, observed }: StepWrite, site: ClusterSite, step: WrittenStep): TxnOp[] {
  const key = planKey(cluster.service)
  const planIndex = site.planEntry?.modifyIndex ?? 0
  const planStands: TxnOp = { verb: 'check-index', key, index: planIndex }
  switch (step.kind) {
    case 'record':
      return [{ verb: 'cas', key, index: planIndex, value: serializePlan(plan) }, ...rolesStand(cluster, site)]
    case 'raise':
    case 'clear': {
      const flag = site.flag(step.at.node, step.direction)
      const value = step.kind === 'raise' ? 'START' : 'NULL'
      return [planStands, changeFlag(flagKey(cluster.service, step.at.node, step.direction), flag, value)]
    }
    case 'swap': {
      const stopped = plan.course === 'back' ? [] : stoppedNodes(cluster, plan, site)
      const index = site.cluster?.modifyIndex ?? 0
      const value = observed.swapped(step.datacenter, step.to)
      return [planStands, ...stopped, { verb: 'cas', key: cluster.key, index, value }]
    }
  }
}

/** Writes what stands there: whoever may not write the roles learns it before anybody has stopped. */
function rolesStand({ key }: ClusterId, { cluster }: ClusterSite): TxnOp[] {
  return cluster ? [{ verb: 'cas', key, index: cluster.modifyIndex, value: cluster.value }] : []
}

/** The roles change only while every node to demote stands as it was seen: stopped, or dead with its fence raised. */
function stoppedNodes({ service }: ClusterId, plan: SwitchPlan, site: ClusterSite): TxnOp[] {
  return plan.demote
    .filter(({ datacenter }) => datacenter === site.datacenter)
    .map(({ node }) => ({ key: flagKey(service, node, 'demote'), index: site.flag(node, 'demote').index }))
    .filter(({ index }) => index > 0)
    .map(({ key, index }) => ({ verb: 'check-index', key, index }))
}
