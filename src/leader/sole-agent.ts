import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { checksOf } from '../consul/node-checks.ts'
import { Retry } from '../consul/retry.ts'
import { localServices } from '../consul/services.ts'
import { urlHealth } from './application/health-probes.ts'
import type { LeaderFile } from './leader-file.ts'
import { agentCheckId } from './service/service-definition.ts'

const ASKING_MS = 1000

/**
 * Rejects with a `conflict` failure when another agent of this application runs on this node: two of them would take
 * its service from each other, again and again.
 */
export async function refuseSecondAgent(
  ctx: Context,
  consul: Consul,
  { name, api }: LeaderFile,
  node: string,
): Promise<void> {
  const retry = new Retry(consul)
  const other = (await retry.until(ctx, () => localServices(ctx, consul))).get(name)?.meta.api
  if (other === undefined || other === api || !(await answersAsAgent(ctx, other))) return
  // Anybody may answer where an agent did that has died; its check tells of that.
  const checks = await retry.until(ctx, () => checksOf(ctx, consul, node))
  if (!checks.some(({ CheckID, Status }) => CheckID === agentCheckId(name) && Status === 'passing')) return
  throw new Failure('conflict', `another agent of ${name} runs on this node: it answers at ${other}`, {
    hint: 'one agent a node and application; give another name, or end that one',
  })
}

/** Whether an agent of `consul-locker leader` answers at its HTTP interface, `host:port`. Never rejects. */
export async function answersAsAgent(ctx: Context, api: string): Promise<boolean> {
  return (await urlHealth(ctx, `http://${api}/agent`, ASKING_MS)).healthy
}
