import type { Context } from '../base/context.ts'
import {
  deregisterExternal,
  deregisterNode,
  type ExternalService,
  externalServices,
  registerExternal,
} from '../consul/catalog.ts'
import type { Consul } from '../consul/consul.ts'
import { parseServer } from './token-list.ts'

/**
 * Makes the catalog say of a token what its list says, so that DNS answers `<token>.service.<domain>` with just these
 * servers. Settles with whether anything was changed. Nodes are called `<token>-<ip>`, as by the original.
 */
export async function agreeCatalog(
  ctx: Context,
  consul: Consul,
  token: string,
  servers: Iterable<string>,
): Promise<boolean> {
  const wanted = new Map([...servers].map((server) => [server, externalOf(token, server)]))
  const present = await externalServices(ctx, consul, token)
  const nodes = new Set([...wanted.values()].map(({ node }) => node))
  const known = new Set(present.map(keyOf))
  const missing = [...wanted.values()].filter((service) => !known.has(keyOf(service)))
  const gone = present.filter((service) => ![...wanted.values()].some((one) => keyOf(one) === keyOf(service)))
  for (const service of missing) await registerExternal(ctx, consul, service)
  for (const { node, id } of gone) {
    // What shares our service's name but not our nodes' is somebody else's.
    if (!node.startsWith(`${token}-`)) continue
    if (nodes.has(node)) await deregisterExternal(ctx, consul, node, id)
    else await deregisterNode(ctx, consul, node)
  }
  return missing.length > 0 || gone.length > 0
}

function externalOf(token: string, server: string): ExternalService {
  const { ip, port } = parseServer(server) ?? { ip: '', port: 0 }
  return { node: `${token}-${ip.replaceAll(':', '-')}`, address: ip, service: token, id: `${token}:${port}`, port }
}

function keyOf({ node, id }: ExternalService): string {
  return `${node} ${id}`
}
