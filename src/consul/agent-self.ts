import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, textIn } from './fields.ts'

/** Who an agent is. */
export interface AgentSelf {
  /** Its node's name. */
  readonly node: string
  readonly datacenter: string
  /** Where the others reach its node; empty when it doesn't tell. */
  readonly address: string
}

/** Asks the agent who it is; https://developer.hashicorp.com/consul/api-docs/agent#read-configuration */
export async function agentSelf(ctx: Context, consul: Consul): Promise<AgentSelf> {
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: '/v1/agent/self',
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: 'agent_prefix "" { policy = "read" }',
  })
  const self = consul.json(reply)
  const { Config, Member } = isObject(self) ? self : {}
  const { NodeName: node, Datacenter: datacenter } = isObject(Config) ? Config : {}
  if (!isName(node) || !isName(datacenter)) throw consul.protocolError('an agent without a node name')
  consul.confirmed = true
  return { node, datacenter, address: isObject(Member) ? textIn(Member.Addr) : '' }
}
