import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'

/** All datacenters that this one knows, the reachable and the others. */
export async function datacenters(ctx: Context, consul: Consul): Promise<string[]> {
  return (await read(ctx, consul, '/v1/catalog/datacenters')) as string[]
}

/** The names of all nodes of the client's datacenter, dead ones included until Consul reaps them. */
export async function nodeNames(ctx: Context, consul: Consul): Promise<string[]> {
  const nodes = (await read(ctx, consul, '/v1/catalog/nodes')) as { readonly Node: string }[]
  return nodes.map(({ Node }) => Node)
}

/** The names of the nodes that have registered a service in the client's datacenter. */
export async function nodesWithService(ctx: Context, consul: Consul, service: string): Promise<string[]> {
  const path = `/v1/catalog/service/${encodeURIComponent(service)}`
  const entries = (await read(ctx, consul, path)) as { readonly Node: string }[]
  return [...new Set(entries.map(({ Node }) => Node))].sort()
}

async function read(ctx: Context, consul: Consul, path: string): Promise<unknown[]> {
  const needs = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }'
  const answer = consul.json(await consul.call(ctx, { method: 'GET', path, timeoutMs: ATTEMPT_MS, needs }))
  if (!Array.isArray(answer)) throw consul.strange(`${path} is no list`)
  return answer
}
