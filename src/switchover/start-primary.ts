import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { deadAmong, failingAmong, forgottenAmong, maintainedAmong, membersOf } from './cluster-members.ts'
import type { ClusterId } from './cluster-site.ts'
import { type ClusterView, viewCluster } from './cluster-view.ts'
import { fenced, type SwitchPlan, withAssumed } from './plan.ts'
import { newestPlan } from './plan-store.ts'
import { planSwitch, type SwitchOptions } from './planning.ts'
import { stepsOf } from './protocol.ts'
import { isAmong, type NodeAt } from './roles.ts'
import { skippedLines, stepLine } from './step-printer.ts'
import { Switch, type SwitchStart } from './switch.ts'
import { type Switcher, withSwitchLock } from './switch-lock.ts'
import type { SwitchResult, SwitchTimeouts, SwitchWorld } from './switch-world.ts'

export interface SwitchRequest {
  readonly consul: Consul
  readonly cluster: ClusterId
  readonly self: NodeAt
  readonly who: Switcher
  readonly options: SwitchOptions
  readonly timeouts: SwitchTimeouts
  readonly world: Pick<SwitchWorld, 'output' | 'handleOwnFlag' | 'fence' | 'interruption'>
}

/**
 * Makes the standby nodes primary, or resumes a switch that somebody began and didn't end; under the lock of this
 * service's switches. Rejects with a `Failure` when it can't be begun, and when it can be neither ended nor undone.
 */
export function startPrimary(ctx: Context, request: SwitchRequest): Promise<SwitchResult> {
  const { consul, cluster, self, who, world, timeouts } = request
  return withSwitchLock(ctx, consul, cluster.service, who, async (ctx, lock) => {
    const start = await new Retry(consul).until(ctx, () => intended(ctx, request, lock.turn))
    return new Switch({ consul, cluster, self, lock, ...world }, timeouts, start).run(ctx)
  })
}

/** What `startPrimary` would tell, line by line, and whether of a step that is skipped; nothing is changed. */
export async function dryRunSwitch(
  ctx: Context,
  request: Pick<SwitchRequest, 'consul' | 'cluster' | 'self' | 'options'>,
): Promise<{ readonly line: string; readonly isSkipped: boolean }[]> {
  const { plan } = await new Retry(request.consul).until(ctx, () => intended(ctx, request))
  const skipped = skippedLines(plan)
  const lines = new Set(stepsOf(plan).flatMap((step) => stepLine(step) ?? []))
  return [...lines].map((line) => ({ line, isSkipped: skipped.has(line) }))
}

/**
 * Undoes a switch that somebody began and didn't end. Settles and rejects as `startPrimary` does; with a `precondition`
 * failure when there is none.
 */
export function abortSwitch(ctx: Context, request: Omit<SwitchRequest, 'options'>): Promise<SwitchResult> {
  const { consul, cluster, self, who, world, timeouts } = request
  return withSwitchLock(ctx, consul, cluster.service, who, async (ctx, lock) => {
    const { turn: foundIn } = lock
    const view = await new Retry(consul).until(ctx, () => viewCluster(ctx, consul, cluster, self))
    const plan = unfinishedPlan(view)
    if (!plan) throw new Failure('precondition', `no switch of ${cluster.service} is under way`)
    const begun = { plan, foundIn }
    return new Switch({ consul, cluster, self, lock, ...world }, timeouts, begun).undo(ctx, 'the switch was aborted')
  })
}

async function intended(
  ctx: Context,
  { consul, cluster, self, options }: Pick<SwitchRequest, 'consul' | 'cluster' | 'self' | 'options'>,
  turn?: number,
): Promise<SwitchStart> {
  const view = await viewCluster(ctx, consul, cluster, self)
  const begun = unfinishedPlan(view)
  if (begun) {
    ctx.log.notice(`going on with the switch that ${begun.by} began at ${begun.since}`)
    const assumed = options.force ? withAssumed(begun, view.unreachable) : begun
    return { plan: options.fencing === 'done' ? fenced(assumed, assumed.unfenced ?? []) : assumed, foundIn: turn }
  }
  const plan = await newPlan(ctx, view, options)
  return { plan, failing: options.patient ? await failingAmong(ctx, view, plan.demote) : [] }
}

/** The plan of a switch that somebody began and didn't end. */
export function unfinishedPlan({ sites }: Pick<ClusterView, 'sites'>): SwitchPlan | undefined {
  return newestPlan(sites.map((site) => site.plan).filter((plan) => plan !== undefined))
}

async function newPlan(ctx: Context, view: ClusterView, options: SwitchOptions): Promise<SwitchPlan> {
  const { active, standby } = await membersOf(ctx, view)
  const members = { active: [...active, ...(options.force ? forgottenAmong(view, active) : [])], standby }
  const dead = await deadAmong(ctx, view, [...members.active, ...members.standby])
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  const maintained = await maintainedAmong(ctx, view, members.standby)
  const toFence = options.force && options.fencing === 'command' ? active.filter((at) => isAmong(at, dead)) : []
  const plan = planSwitch(view, { id: randomId(), since, options, members, dead, maintained, toFence })
  for (const at of members.standby) {
    if (isAmong(at, dead)) ctx.log.warn(`${at.node} is dead and stays standby`)
    else if (isAmong(at, maintained)) ctx.log.warn(`${at.node} is in maintenance and stays standby`)
  }
  return plan
}
