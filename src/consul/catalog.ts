import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, portIn, textIn } from './fields.ts'
import { readList } from './list.ts'
import { checkSeesNodes } from './node-visibility.ts'

/** All datacenters that this one knows, the reachable and the others. */
export async function datacenters(ctx: Context, consul: Consul): Promise<string[]> {
  return (await readList(ctx, consul, '/v1/catalog/datacenters')).filter(isName)
}

/** The names of the services of the client's datacenter that begin so; in any form, since no word of ours made them. */
export async function serviceNames(ctx: Context, consul: Consul, beginning: string): Promise<string[]> {
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: '/v1/catalog/services',
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: 'service_prefix "" { policy = "read" }',
  })
  const services = consul.json(reply)
  if (!isObject(services)) throw consul.protocolError('no names of services')
  return Object.keys(services)
    .filter((name) => isName(name) && name.startsWith(beginning))
    .sort()
}

/** The names of all nodes of the client's datacenter, dead ones included until Consul reaps them. */
export async function nodeNames(ctx: Context, consul: Consul): Promise<string[]> {
  return nodesIn(await readList(ctx, consul, '/v1/catalog/nodes'))
}

/**
 * The names of the nodes that have registered a service in the client's datacenter. Rejects with a `refused` failure
 * when this token sees no node.
 */
export async function nodesWithService(ctx: Context, consul: Consul, service: string): Promise<string[]> {
  const entries = await readList(ctx, consul, `/v1/catalog/service/${encodeURIComponent(service)}`)
  if (entries.length === 0) await checkSeesNodes(ctx, consul, `who has registered ${service}`)
  return [...new Set(nodesIn(entries))].sort()
}

function nodesIn(entries: readonly unknown[]): string[] {
  return entries.map((entry) => (isObject(entry) ? entry.Node : undefined)).filter(isName)
}

/** A service on a node that runs no agent, as the catalog has it. */
export interface ExternalService {
  readonly node: string
  readonly address: string
  readonly service: string
  /** Unique on its node. */
  readonly id: string
  readonly port: number
}

/**
 * Puts a node without agent and its service into the catalog; https://developer.hashicorp.com/consul/api-docs/catalog
 */
export async function registerExternal(ctx: Context, consul: Consul, external: ExternalService): Promise<void> {
  const { node, address, service, id, port } = external
  const body = { Node: node, Address: address, Service: { ID: id, Service: service, Address: address, Port: port } }
  await write(ctx, consul, 'register', node, body)
}

/** Takes a service off such a node. */
export async function deregisterExternal(ctx: Context, consul: Consul, node: string, id: string): Promise<void> {
  await write(ctx, consul, 'deregister', node, { Node: node, ServiceID: id })
}

/** Takes such a node out, with all that is on it. */
export async function deregisterNode(ctx: Context, consul: Consul, node: string): Promise<void> {
  await write(ctx, consul, 'deregister', node, { Node: node })
}

/** What the catalog has of a service, whether or not it is healthy. */
export async function externalServices(ctx: Context, consul: Consul, service: string): Promise<ExternalService[]> {
  const entries = await readList(ctx, consul, `/v1/catalog/service/${encodeURIComponent(service)}`, {
    consistent: true,
  })
  return entries.filter(isObject).flatMap(({ Node, Address, ServiceAddress, ServiceID, ServicePort }) => {
    if (!isName(Node) || !isName(ServiceID)) return []
    const address = textIn(ServiceAddress) || textIn(Address)
    return [{ node: Node, address, service, id: ServiceID, port: portIn(ServicePort) }]
  })
}

async function write(ctx: Context, consul: Consul, verb: string, node: string, body: object): Promise<void> {
  await consul.call(ctx, {
    method: 'PUT',
    path: `/v1/catalog/${verb}`,
    body: JSON.stringify(body),
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: `node "${node}" { policy = "write" } service_prefix "" { policy = "write" }`,
  })
}
