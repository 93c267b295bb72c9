import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { deregisterService, localServices, registerService } from '../consul/services.ts'
import { renewSession } from '../consul/sessions.ts'
import { releaseFor } from '../lock/release.ts'
import type { Application } from './application.ts'
import type { Duty } from './guard.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { definitionOf, type ServiceTerms } from './service-definition.ts'

const CONSUL_MS = 4000

/** What is done in place of an agent that was killed, or that hangs. */
export interface StandIn {
  readonly consul: Consul
  readonly keys: LeaderKeys
  readonly service: ServiceTerms
  readonly application: Application
}

/**
 * Demotes the application if it may be master, gives the lock back, and takes the service out of Consul unless another
 * agent has come meanwhile. Settles with `false`, and gives nothing back, when the application could be neither demoted
 * nor fenced.
 */
export async function standIn(ctx: Context, estate: StandIn, duty: Duty): Promise<boolean> {
  const { consul, keys, application } = estate
  const { demotes, session } = duty
  // Taking the service out at once would end the session before the lock is given back.
  const shown = quietly(ctx, (ctx) => unlessTakenOver(ctx, estate, () => showGone(ctx, estate)))
  const [demoted] = await Promise.all([
    !demotes || subdue(ctx, application),
    // A demotion may outlast what is left of the session, and the next master had to wait for the lock-delay.
    session !== undefined && quietly(ctx, (ctx) => renewSession(ctx, consul, session)),
  ])
  if (demoted && session !== undefined) await releaseFor(ctx, consul, { key: keys.lock, sessionId: session })
  await shown
  await quietly(ctx, (ctx) => unlessTakenOver(ctx, estate, () => deregisterService(ctx, consul, estate.service.name)))
  return demoted
}

function showGone(ctx: Context, { consul, service }: StandIn): Promise<void> {
  const gone = { role: 'unhealthy', candidate: false, healthy: false, message: '' } as const
  return registerService(ctx, consul, definitionOf(service, gone))
}

/**
 * Another agent may have come, and the service is its own then, as Consul says; whoever answers where the dead agent
 * did may be anybody.
 */
async function unlessTakenOver(ctx: Context, { consul, service }: StandIn, work: () => Promise<void>): Promise<void> {
  const registered = (await localServices(ctx, consul)).get(service.name)
  if (registered?.meta.agent === service.agent) await work()
}

async function subdue(ctx: Context, application: Application): Promise<boolean> {
  ctx.log.warn('the agent is gone or hangs; demoting the application in its place')
  const terms = { leader: undefined, fence: undefined, hurried: false, onGroup: () => {} }
  const demoted = await application.call(ctx, 'demote', terms)
  if (demoted.ok) return true
  ctx.log.error(`demote failed: ${demoted.message}`)
  if (!application.canFence) return false
  const fenced = await application.call(ctx, 'fence', terms)
  if (!fenced.ok) ctx.log.error(`fence failed: ${fenced.message}`)
  return fenced.ok
}

async function quietly(ctx: Context, work: (ctx: Context) => Promise<unknown>): Promise<void> {
  try {
    await withDeadline(ctx, CONSUL_MS, work)
  } catch (thrown) {
    ctx.log.debug(messageOf(thrown))
  }
}
