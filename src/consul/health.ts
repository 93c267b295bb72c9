import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'

/** A check's status; of several, the worst counts. */
export type Health = 'passing' | 'warning' | 'critical'

const WORST_FIRST: readonly Health[] = ['critical', 'warning', 'passing']

/** A check as Consul lists it. */
export interface WireCheck {
  readonly CheckID: string
  readonly Name: string
  readonly Status: Health
  readonly Output: string
}

/** The health of a service on each node of the client's datacenter that registered it, all its checks considered. */
export async function serviceHealth(ctx: Context, consul: Consul, service: string): Promise<Map<string, Health>> {
  const path = `/v1/health/service/${encodeURIComponent(service)}`
  const entries = (await read(ctx, consul, path)) as { Node: { Node: string }; Checks: WireCheck[] }[]
  const byNode = new Map<string, WireCheck[]>()
  for (const { Node, Checks } of entries) byNode.set(Node.Node, [...(byNode.get(Node.Node) ?? []), ...Checks])
  return new Map([...byNode].map(([node, checks]) => [node, worst(checks)]))
}

/** Whether the agent on a node lives, by what the others say (serfHealth). A node that nobody knows doesn't. */
export async function isAlive(ctx: Context, consul: Consul, node: string): Promise<boolean> {
  const checks = (await read(ctx, consul, `/v1/health/node/${encodeURIComponent(node)}`)) as WireCheck[]
  return checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'passing')
}

/** The worst status of these checks; without any, nothing is known to be wrong. */
export function worst(checks: readonly WireCheck[]): Health {
  return WORST_FIRST.find((health) => checks.some(({ Status }) => Status === health)) ?? 'passing'
}

async function read(ctx: Context, consul: Consul, path: string): Promise<unknown[]> {
  const needs = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }'
  const answer = consul.json(await consul.call(ctx, { method: 'GET', path, timeoutMs: ATTEMPT_MS, needs }))
  if (!Array.isArray(answer)) throw consul.strange(`${path} is no list`)
  return answer
}
