import { networkInterfaces } from 'node:os'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent-self.ts'
import type { Consul } from '../consul/consul.ts'

/**
 * Who our machine's agent is. Rejects with a `precondition` failure when the agent that we ask is another machine's:
 * what that one's role is says nothing of our services.
 */
export async function localAgent(ctx: Context, consul: Consul): Promise<AgentSelf> {
  const self = await agentSelf(ctx, consul)
  const { isLocal, origin, text } = consul.settings.address
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  if (isOwn({ isLocal, origin }, self.address, own)) return self
  throw new Failure('precondition', `the agent at ${text} is that of ${self.node}, and not this machine's`, {
    hint: "name this machine's own agent: consul: { http_addr: … } in the script, or --http-addr",
  })
}

/** Whether an agent is on this machine, by where it is asked, or by its own address, which may be seen from afar. */
export function isOwn(
  asked: { readonly isLocal: boolean; readonly origin: string },
  advertised: string,
  own: readonly string[],
): boolean {
  const host = new URL(asked.origin).hostname.replace(/^\[(.*)\]$/, '$1')
  return asked.isLocal || own.includes(host) || own.includes(advertised)
}
