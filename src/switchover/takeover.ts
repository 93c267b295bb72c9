import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { serviceHealth } from '../consul/instances.ts'
import { type Ground, ownRole, survey } from './ground.ts'
import { deadAmong, forgottenAmong, membersOf } from './members.ts'
import type { Plan } from './plan.ts'
import { planSwitch, type Wish } from './planning.ts'
import { isAmong } from './roles.ts'
import { begunPlan, type StartPrimary } from './start-primary.ts'
import { Switch } from './switch.ts'
import type { SwitchEnd } from './switch-world.ts'
import { inTurn } from './turn.ts'

/** How a takeover ended, or that there was none to be made. */
export type TakeoverEnd = SwitchEnd | { readonly kind: 'needless' }

const WISH: Wish = { toDatacenter: undefined, toNode: undefined, force: true, patient: false }

/**
 * Makes our node primary for good, whose services run already because no primary passes. The primaries are not waited
 * for: their demotions are raised, which stops what they may still run, and stay so until they have done that. What
 * an earlier takeover began is gone on with; a switch that somebody else began isn't. Rejects with a `Failure`.
 */
export function takeOver(ctx: Context, request: Omit<StartPrimary, 'wish'>): Promise<TakeoverEnd> {
  const { consul, cluster, self, who, world, patience } = request
  return inTurn<TakeoverEnd>(ctx, consul, cluster.service, who, async (ctx, turn) => {
    const ground = await survey(ctx, consul, cluster, self)
    const begun = begunPlan(ground)
    if (begun && !isOwnTakeover(begun, ground)) return { kind: 'needless' }
    const plan = begun ?? (await newTakeover(ctx, ground))
    if (plan === undefined) return { kind: 'needless' }
    return new Switch({ consul, cluster, self, turn, ...world }, patience, plan).run(ctx)
  })
}

/** Whether a switch was begun by our node and waits for no primary. */
export function isOwnTakeover({ by, demote, skipped }: Plan, { self }: Pick<Ground, 'self'>): boolean {
  return by === self.node && demote.every((at) => isAmong(at, skipped))
}

/** Whether any primary's service passes, all of its checks considered. Rejects with a `Failure`. */
export async function anyActivePasses(ctx: Context, ground: Ground): Promise<boolean> {
  const { active } = await membersOf(ctx, ground)
  for (const { datacenter, consul } of ground.sites) {
    const healths = await serviceHealth(ctx, consul, ground.cluster.service)
    const here = active.filter((at) => at.datacenter === datacenter)
    if (here.some(({ node }) => healths.get(node) === 'passing')) return true
  }
  return false
}

async function newTakeover(ctx: Context, ground: Ground): Promise<Plan | undefined> {
  const { self, home, unreachable } = ground
  if (ownRole(ground) === 'active' || home.flag(self.node, 'demote').value !== 'NULL') return undefined
  if (await anyActivePasses(ctx, ground)) return undefined
  if (unreachable.length > 0) {
    throw new Failure('declined', `the datacenter ${unreachable.join(', ')} can't be reached, and may have a primary`)
  }
  const known = await membersOf(ctx, ground)
  // A datacenter takes over as a whole.
  const whole = ground.roles.form === 'datacenters'
  const members = {
    active: [...known.active, ...forgottenAmong(ground, known.active)],
    standby: whole ? known.standby : [{ node: self.node, datacenter: self.datacenter }],
  }
  const dead = [...members.active, ...(await deadAmong(ctx, ground, members.standby))]
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  return planSwitch(ground, { id: randomId(), since, wish: WISH, members, dead })
}
