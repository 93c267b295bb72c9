import type { Context } from '../../base/context.ts'
import { agentSelf } from '../../consul/agent-self.ts'
import type { Consul } from '../../consul/consul.ts'
import { Retry } from '../../consul/retry.ts'
import { withWaitLimit } from '../../consul/wait-limit.ts'

/** The node of the agent that we talk to. For so long is tried again what fails; 0 tries once. */
export async function ownNode(ctx: Context, consul: Consul, waitMs: number): Promise<string> {
  const ask = async (ctx: Context) => (await agentSelf(ctx, consul)).node
  if (waitMs === 0) return ask(ctx)
  if (!Number.isFinite(waitMs)) return new Retry(consul).until(ctx, () => ask(ctx))
  const retry = new Retry(consul, { waitMs })
  return withWaitLimit(ctx, consul, waitMs, retry, (ctx) => retry.until(ctx, () => ask(ctx)))
}
