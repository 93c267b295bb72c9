import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { type Ground, survey } from './ground.ts'
import { newest } from './journal.ts'
import { lineOf, linesSkipped } from './lines.ts'
import { deadAmong, failingAmong, forgottenAmong, membersOf } from './members.ts'
import { assuming, type Plan } from './plan.ts'
import { planSwitch, type Wish } from './planning.ts'
import { stepsOf } from './protocol.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { Cluster } from './site.ts'
import { Switch } from './switch.ts'
import type { Patience, SwitchEnd, SwitchWorld } from './switch-world.ts'
import { inTurn, type Switcher } from './turn.ts'

export interface StartPrimary {
  readonly consul: Consul
  readonly cluster: Cluster
  readonly self: NodeAt
  readonly who: Switcher
  readonly wish: Wish
  readonly patience: Patience
  readonly world: Pick<SwitchWorld, 'teller' | 'attend' | 'interruption'>
}

/**
 * Makes the standby nodes primary, or goes on with a switch that somebody began and didn't end; under the lock of this
 * service's switches. Rejects with a `Failure` when it can't be begun, and when it can be neither ended nor undone.
 */
export function startPrimary(ctx: Context, request: StartPrimary): Promise<SwitchEnd> {
  const { consul, cluster, self, who, world, patience } = request
  return inTurn(ctx, consul, cluster.service, who, async (ctx, turn) => {
    const { plan, failing } = await new Retry(consul).until(ctx, () => intended(ctx, request))
    return new Switch({ consul, cluster, self, turn, ...world }, patience, plan, failing).run(ctx)
  })
}

/** What `startPrimary` would tell, line by line, and whether of a step that is skipped; nothing is changed. */
export async function rehearse(
  ctx: Context,
  request: Pick<StartPrimary, 'consul' | 'cluster' | 'self' | 'wish'>,
): Promise<{ readonly line: string; readonly isSkipped: boolean }[]> {
  const { plan } = await new Retry(request.consul).until(ctx, () => intended(ctx, request))
  const skipped = linesSkipped(plan)
  const lines = new Set(stepsOf(plan).flatMap((step) => lineOf(step) ?? []))
  return [...lines].map((line) => ({ line, isSkipped: skipped.has(line) }))
}

/**
 * Undoes a switch that somebody began and didn't end. Settles and rejects as `startPrimary` does; with a `declined`
 * failure when there is none.
 */
export function abortSwitch(ctx: Context, request: Omit<StartPrimary, 'wish'>): Promise<SwitchEnd> {
  const { consul, cluster, self, who, world, patience } = request
  return inTurn(ctx, consul, cluster.service, who, async (ctx, turn) => {
    const ground = await new Retry(consul).until(ctx, () => survey(ctx, consul, cluster, self))
    const plan = begunPlan(ground)
    if (!plan) throw new Failure('declined', `no switch of ${cluster.service} is under way`)
    return new Switch({ consul, cluster, self, turn, ...world }, patience, plan).undo(ctx, 'the switch was aborted')
  })
}

async function intended(
  ctx: Context,
  { consul, cluster, self, wish }: Pick<StartPrimary, 'consul' | 'cluster' | 'self' | 'wish'>,
) {
  const ground = await survey(ctx, consul, cluster, self)
  const begun = begunPlan(ground)
  if (begun) {
    ctx.log.notice(`going on with the switch that ${begun.by} began at ${begun.since}`)
    return { plan: wish.force ? assuming(begun, ground.unreachable) : begun, failing: [] }
  }
  const plan = await newPlan(ctx, ground, wish)
  return { plan, failing: wish.patient ? await failingAmong(ctx, ground, plan.demote) : [] }
}

/** The plan of a switch that somebody began and didn't end. */
export function begunPlan({ sites }: Pick<Ground, 'sites'>): Plan | undefined {
  return newest(sites.map((site) => site.plan).filter((plan) => plan !== undefined))
}

async function newPlan(ctx: Context, ground: Ground, wish: Wish): Promise<Plan> {
  const { active, standby } = await membersOf(ctx, ground)
  const members = { active: [...active, ...(wish.force ? forgottenAmong(ground, active) : [])], standby }
  const dead = await deadAmong(ctx, ground, [...members.active, ...members.standby])
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  const plan = planSwitch(ground, { id: randomId(), since, wish, members, dead })
  for (const at of members.standby) {
    if (isAmong(at, dead)) ctx.log.warn(`${at.node} is dead and stays standby`)
  }
  return plan
}
