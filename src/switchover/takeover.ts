import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { serviceHealth } from '../consul/instances.ts'
import { deadAmong, forgottenAmong, maintainedAmong, membersOf } from './cluster-members.ts'
import { type ClusterView, ownRole, viewCluster } from './cluster-view.ts'
import type { SwitchPlan } from './plan.ts'
import { planSwitch, type SwitchOptions } from './planning.ts'
import { isAmong, type NodeAt } from './roles.ts'
import { type SwitchRequest, unfinishedPlan } from './start-primary.ts'
import { Switch } from './switch.ts'
import { withSwitchLock } from './switch-lock.ts'
import type { SwitchResult } from './switch-world.ts'

/** How a takeover ended, or that there was none to be made. */
export type TakeoverResult = SwitchResult | { readonly kind: 'needless' }

const OPTIONS: SwitchOptions = {
  toDatacenter: undefined,
  toNode: undefined,
  force: true,
  patient: false,
  fencing: 'none',
}

/**
 * Makes our node primary for good, whose services run already because no primary passes. The primaries are not waited
 * for: their demotions are raised, which stops what they may still run, and stay so until they have done that. An
 * earlier takeover is resumed; a switch that somebody else began isn't. Rejects with a `Failure`.
 */
export function takeOver(ctx: Context, request: Omit<SwitchRequest, 'options'>): Promise<TakeoverResult> {
  const { consul, cluster, self, who, world, timeouts } = request
  return withSwitchLock<TakeoverResult>(ctx, consul, cluster.service, who, async (ctx, lock) => {
    const { turn } = lock
    const view = await viewCluster(ctx, consul, cluster, self)
    const begun = unfinishedPlan(view)
    if (begun && !isOwnTakeover(begun, view)) return { kind: 'needless' }
    const plan = begun ?? (await newTakeover(ctx, view, world.fence !== undefined))
    if (plan === undefined) return { kind: 'needless' }
    const start = { plan, foundIn: begun && turn }
    return new Switch({ consul, cluster, self, lock, ...world }, timeouts, start).run(ctx)
  })
}

/** Whether a switch was begun by our node and waits for no primary. */
export function isOwnTakeover({ by, demote, skipped }: SwitchPlan, { self }: Pick<ClusterView, 'self'>): boolean {
  return by === self.node && demote.every((at) => isAmong(at, skipped))
}

/** The primaries that keep a standby at rest. */
export interface ActiveNodes {
  /** Whether the service passes on any, all of its checks considered. */
  readonly passing: boolean
  /** Those in maintenance: people are at them, and nobody takes over. */
  readonly maintained: readonly NodeAt[]
}

/** Rejects with a `Failure`. */
export async function activeNodes(ctx: Context, view: ClusterView): Promise<ActiveNodes> {
  const { active } = await membersOf(ctx, view)
  return { passing: await anyPasses(ctx, view, active), maintained: await maintainedAmong(ctx, view, active) }
}

async function anyPasses(ctx: Context, view: ClusterView, active: readonly NodeAt[]): Promise<boolean> {
  for (const { datacenter, consul } of view.sites) {
    const healths = await serviceHealth(ctx, consul, view.cluster.service)
    const here = active.filter((at) => at.datacenter === datacenter)
    if (here.some(({ node }) => healths.get(node) === 'passing')) return true
  }
  return false
}

async function newTakeover(ctx: Context, view: ClusterView, fences: boolean): Promise<SwitchPlan | undefined> {
  const { self, home, unreachable } = view
  if (ownRole(view) === 'active' || home.flag(self.node, 'demote').value !== 'NULL') return undefined
  const { passing, maintained: atWork } = await activeNodes(ctx, view)
  if (passing || atWork.length > 0) return undefined
  if (unreachable.length > 0) {
    throw new Failure(
      'precondition',
      `the datacenter ${unreachable.join(', ')} can't be reached, and may have a primary`,
    )
  }
  const known = await membersOf(ctx, view)
  // A datacenter takes over as a whole.
  const whole = view.roles.form === 'datacenters'
  const members = {
    active: [...known.active, ...forgottenAmong(view, known.active)],
    standby: whole ? known.standby : [{ node: self.node, datacenter: self.datacenter }],
  }
  const dead = [...members.active, ...(await deadAmong(ctx, view, members.standby))]
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  const maintained = await maintainedAmong(ctx, view, members.standby)
  const toFence = fences ? await deadAmong(ctx, view, known.active) : []
  return planSwitch(view, { id: randomId(), since, options: OPTIONS, members, dead, maintained, toFence })
}
