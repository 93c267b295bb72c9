import type { Context } from '../base/context.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { changeFlag, flagKey } from './flags.ts'
import { journalKey, writePlan } from './journal.ts'
import type { Plan } from './plan.ts'
import type { Step } from './protocol.ts'
import type { Sighting } from './sighting.ts'
import type { Cluster, Site } from './site.ts'

/** Steps that we do ourselves, by one transaction in one datacenter. */
export type Deed = Extract<Step, { kind: 'record' | 'raise' | 'swap' | 'clear' }>

export interface Performing {
  readonly cluster: Cluster
  readonly plan: Plan
  readonly sighting: Sighting
  /** Our datacenter, and the step that proves there that the lock is ours. */
  readonly home: string
  readonly fence: KvStep
}

/**
 * Does a step, unless what it depends on has changed since it was seen: the flag, the plan, the roles, our lock.
 * Settles with whether it was done.
 */
export async function perform(ctx: Context, performing: Performing, deed: Deed): Promise<boolean> {
  const datacenter = 'at' in deed ? deed.at.datacenter : deed.datacenter
  const site = performing.sighting.site(datacenter)
  if (!site) return false
  const guard = datacenter === performing.home ? [performing.fence] : []
  const outcome = await transact(ctx, site.consul, [...guard, ...changeOf(performing, site, deed)])
  if (!outcome.done) ctx.log.debug(`${deed.kind} was not done: ${outcome.reasons.join('; ')}`)
  return outcome.done
}

/**
 * Takes the plan away in every datacenter, our own last: as long as that one stands, the switch isn't over. Settles
 * with whether it was done, and can be done again.
 */
export async function forget(ctx: Context, { cluster, plan, sighting, home, fence }: Performing): Promise<boolean> {
  const datacenters = plan.swaps.map(({ datacenter }) => datacenter).filter((datacenter) => datacenter !== home)
  for (const datacenter of [...datacenters, home]) {
    const site = sighting.site(datacenter)
    if (!site?.journal) continue
    const guard = datacenter === home ? [fence] : []
    const removal: KvStep = { verb: 'delete-cas', key: journalKey(cluster.service), index: site.journal.modifyIndex }
    const outcome = await transact(ctx, site.consul, [...guard, removal])
    if (outcome.done) continue
    ctx.log.debug(`the plan was not taken away in ${datacenter}: ${outcome.reasons.join('; ')}`)
    return false
  }
  return true
}

function changeOf({ cluster, plan, sighting }: Performing, site: Site, deed: Deed): KvStep[] {
  const key = journalKey(cluster.service)
  const journal = site.journal?.modifyIndex ?? 0
  const planStands: KvStep = { verb: 'check-index', key, index: journal }
  switch (deed.kind) {
    case 'record':
      return [{ verb: 'cas', key, index: journal, value: writePlan(plan) }, ...rolesStand(cluster, site)]
    case 'raise':
    case 'clear': {
      const flag = site.flag(deed.at.node, deed.direction)
      const value = deed.kind === 'raise' ? 'START' : 'NULL'
      return [planStands, changeFlag(flagKey(cluster.service, deed.at.node, deed.direction), flag, value)]
    }
    case 'swap': {
      const stopped = plan.course === 'back' ? [] : stoppedNodes(cluster, plan, site)
      const index = site.cluster?.modifyIndex ?? 0
      const value = sighting.swapped(deed.datacenter, deed.to)
      return [planStands, ...stopped, { verb: 'cas', key: cluster.key, index, value }]
    }
  }
}

/** Writes what stands there: whoever may not write the roles learns it before anybody has stopped. */
function rolesStand({ key }: Cluster, { cluster }: Site): KvStep[] {
  return cluster ? [{ verb: 'cas', key, index: cluster.modifyIndex, value: cluster.value }] : []
}

/** The roles change only while every node to demote stands as it was seen: stopped, or dead with its fence raised. */
function stoppedNodes({ service }: Cluster, plan: Plan, site: Site): KvStep[] {
  return plan.demote
    .filter(({ datacenter }) => datacenter === site.datacenter)
    .map(({ node }) => ({ key: flagKey(service, node, 'demote'), index: site.flag(node, 'demote').index }))
    .filter(({ index }) => index > 0)
    .map(({ key, index }) => ({ verb: 'check-index', key, index }))
}
