import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { deregisterService, registerService } from '../consul/services.ts'
import { releaseFor } from '../lock/release.ts'
import type { Application } from './application.ts'
import type { Duty } from './guard.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { probeUrl } from './probes.ts'
import { definitionOf, type ServiceTerms } from './registration.ts'

const CONSUL_MS = 2000
const ASKING_MS = 1000

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
export async function standIn(
  ctx: Context,
  { consul, keys, service, application }: StandIn,
  duty: Duty,
): Promise<boolean> {
  const { demotes, session } = duty
  const isGone = !(await answers(ctx, service.api))
  const [demoted] = await Promise.all([
    !demotes || subdue(ctx, application),
    // Taking the service out would end the session before the lock is given back.
    isGone && quietly(ctx, (ctx) => registerService(ctx, consul, definitionOf(service, GONE))),
  ])
  if (demoted && session !== undefined) await releaseFor(ctx, consul, { key: keys.lock, sessionId: session })
  if (isGone && !(await answers(ctx, service.api))) {
    await quietly(ctx, (ctx) => deregisterService(ctx, consul, service.name))
  }
  return demoted
}

const GONE = { role: 'unhealthy', candidate: false, healthy: false } as const

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

async function answers(ctx: Context, api: string): Promise<boolean> {
  return (await probeUrl(ctx, `http://${api}/agent`, ASKING_MS)).healthy
}

async function quietly(ctx: Context, work: (ctx: Context) => Promise<void>): Promise<void> {
  try {
    await withDeadline(ctx, CONSUL_MS, work)
  } catch (thrown) {
    ctx.log.debug(messageOf(thrown))
  }
}
