import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { Hold } from '../lock/hold.ts'
import type { Loss } from '../lock/loss.ts'
import { release } from '../lock/release.ts'
import { deadAmong, type Ground, membersOf, survey } from './ground.ts'
import { newest } from './journal.ts'
import type { Plan } from './plan.ts'
import { planSwitch, type Wish } from './planning.ts'
import type { NodeAt } from './roles.ts'
import type { Cluster } from './site.ts'
import { type Patience, Switch, type SwitchEnd, type SwitchWorld } from './switch.ts'
import { type Switcher, takeTurn } from './turn.ts'

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
export async function startPrimary(ctx: Context, request: StartPrimary): Promise<SwitchEnd> {
  const { consul, cluster, self, who, world, patience } = request
  const held = await takeTurn(ctx, consul, cluster.service, who)
  const hold = new Hold(ctx, consul, held)
  using locked = scope(ctx.signal)
  const stop = () => locked.abort(lostTurn(hold.lost.reason as Loss))
  hold.lost.addEventListener('abort', stop, { once: true })
  try {
    const within = { ...ctx, signal: locked.signal }
    const { key, sessionId: session } = held.stake
    const fence = { verb: 'check-session', key, session } as const
    const plan = await currentPlan(within, request)
    return await new Switch({ consul, cluster, self, fence, ...world }, patience, plan).run(within)
  } finally {
    await hold.end()
    await release(ctx, consul, held.session, held.stake)
  }
}

async function currentPlan(ctx: Context, request: StartPrimary): Promise<Plan> {
  const { consul, cluster, self, wish } = request
  const ground = await survey(ctx, consul, cluster, self)
  const begun = newest(ground.sites.map((site) => site.plan).filter((plan) => plan !== undefined))
  if (begun) {
    ctx.log.notice(`going on with the switch that ${begun.by} began at ${begun.since}`)
    return begun
  }
  return newPlan(ctx, ground, wish)
}

async function newPlan(ctx: Context, ground: Ground, wish: Wish): Promise<Plan> {
  const members = await membersOf(ctx, ground)
  const dead = await deadAmong(ctx, ground, [...members.active, ...members.standby])
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  const plan = planSwitch(ground, { id: randomId(), since, wish, members, dead })
  for (const { node } of members.standby) {
    if (dead.has(node)) ctx.log.warn(`${node} is dead and stays standby`)
  }
  return plan
}

function lostTurn(loss: Loss): Failure {
  return new Failure('declined', `the switch was stopped, for its lock was lost: ${loss.sentence}`, {
    hint: 'start-primary again goes on with it',
  })
}
