import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'

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
    timeoutMs: ATTEMPT_MS,
    needs: 'agent_prefix "" { policy = "read" }',
  })
  const { Config, Member } = consul.json(reply) as {
    Config?: { NodeName?: unknown; Datacenter?: unknown }
    Member?: { Addr?: unknown } | null
  }
  if (typeof Config?.NodeName !== 'string' || typeof Config.Datacenter !== 'string') {
    throw consul.strange('an agent without a node name')
  }
  consul.heard = true
  const address = typeof Member?.Addr === 'string' ? Member.Addr : ''
  return { node: Config.NodeName, datacenter: Config.Datacenter, address }
}
