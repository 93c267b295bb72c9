import { AbortReason, scope, withDeadline } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { deregisterService, localServices } from '../../consul/services.ts'
import { renewSession } from '../../consul/sessions.ts'
import { releaseOnBehalf } from '../../lock/release.ts'
import type { Application, CallResult } from '../application/application.ts'
import { changeStored } from '../cluster/change-stored.ts'
import { HISTORY, withEnd } from '../cluster/leader-history.ts'
import type { LeaderKeys } from '../cluster/leader-keys.ts'
import { CALL_GRACE_MS } from '../leader-timing.ts'
import type { ServiceTerms } from '../service/service-definition.ts'
import type { CleanupTask } from './agent-guardian.ts'

const CONSUL_MS = 4000
/** What is begun has so long at least, however late it is: trying is better than not. */
const SHORTEST_MS = 1000

/** What an agent that was killed, or that hangs, has left behind. */
export interface DeadAgent {
  readonly consul: Consul
  readonly keys: LeaderKeys
  readonly node: string
  readonly service: ServiceTerms
  readonly application: Application
  /** Has a watchdog that the agent has armed count no more. Never rejects. */
  readonly disarm: (ctx: Context) => Promise<void>
  /** How long a fence may take, in milliseconds. */
  readonly fenceMs: number
}

/**
 * Demotes the application if it may be master, gives the lock back, and takes the service out of Consul unless another
 * agent has come meanwhile; `leftMs` is what the dead agent has left of its time for that. Settles with `false`, and
 * gives nothing back, when the application could be neither demoted nor fenced.
 */
export async function cleanUpAfter(
  ctx: Context,
  agent: DeadAgent,
  task: CleanupTask,
  leftMs: number,
): Promise<boolean> {
  const { consul, keys } = agent
  const { demotes, session } = task
  const removed = quietly(ctx, (ctx) => removeService(ctx, agent))
  const [demoted] = await Promise.all([
    !demotes || subdue(ctx, agent, leftMs),
    // A demotion may outlast what is left of the session, and the next master had to wait for the lock-delay.
    session !== undefined && quietly(ctx, (ctx) => renewSession(ctx, consul, session)),
  ])
  if (demoted && session !== undefined) await releaseOnBehalf(ctx, consul, { key: keys.lock, sessionId: session })
  await removed
  if (demotes && demoted) await quietly(ctx, (ctx) => recordDeath(ctx, agent))
  return demoted
}

/** A watchdog that would fire for nothing must know at once. */
async function subdue(ctx: Context, agent: DeadAgent, leftMs: number): Promise<boolean> {
  const isDemoted = await demoteOrFence(ctx, agent, leftMs)
  if (isDemoted) await agent.disarm(ctx)
  return isDemoted
}

async function recordDeath(ctx: Context, { consul, keys, node }: DeadAgent): Promise<void> {
  const until = new Date(ctx.clock.now().wallMs).toISOString()
  const end = { until, why: 'its agent was killed or hung; the guardian demoted it' }
  await changeStored(ctx, consul, keys.history, HISTORY, (history) => withEnd(history, node, end))
}

/**
 * Takes the service out, unless another agent has come: then it is its own, as Consul says. Whoever answers where the
 * dead agent did may be anybody.
 */
async function removeService(ctx: Context, { consul, service }: DeadAgent): Promise<void> {
  const registered = (await localServices(ctx, consul)).get(service.name)
  if (registered?.meta.agent === service.agent) await deregisterService(ctx, consul, service.name)
}

/** What a demotion takes must leave enough to a fence; when nothing does, the fence comes at once. */
async function demoteOrFence(ctx: Context, agent: DeadAgent, leftMs: number): Promise<boolean> {
  const { application, fenceMs } = agent
  const beganAt = ctx.clock.now()
  const demoteMs = leftMs - (application.canFence ? fenceMs : 0)
  if (demoteMs >= SHORTEST_MS || !application.canFence) {
    ctx.log.warn('the agent is gone or hangs; demoting the application in its place')
    const demoted = await callWithin(ctx, application, 'demote', demoteMs)
    if (demoted.ok) return true
    ctx.log.error(`demote failed: ${demoted.message}`)
  } else {
    ctx.log.warn('the agent is gone or hangs, and there is no time left to demote the application; fencing it')
  }
  if (!application.canFence) return false
  const fenced = await callWithin(ctx, application, 'fence', leftMs - ctx.clock.since(beganAt))
  if (!fenced.ok) ctx.log.error(`fence failed: ${fenced.message}`)
  return fenced.ok
}

/** Has the call end within this time, if that is less than its own. */
async function callWithin(
  ctx: Context,
  application: Application,
  call: 'demote' | 'fence',
  ms: number,
): Promise<CallResult> {
  using bounded = scope(ctx.signal)
  const endsInMs = Math.max(SHORTEST_MS, ms - CALL_GRACE_MS)
  const cancel = ctx.clock.after(endsInMs, () => bounded.abort(new AbortReason('its time is over')))
  const terms = { leader: undefined, fence: undefined, hurried: false, onGroup: () => {} }
  try {
    return await application.call(under(ctx, bounded.signal), call, terms)
  } finally {
    cancel()
  }
}

async function quietly(ctx: Context, work: (ctx: Context) => Promise<unknown>): Promise<void> {
  try {
    await withDeadline(ctx, CONSUL_MS, work)
  } catch (thrown) {
    ctx.log.debug(messageOf(thrown))
  }
}
