import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { hostPortText } from '../base/host-port.ts'
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
 * servers. Settles with whether anything was changed. A server that Consul won't have is warned of, and stops no other.
 * Nodes are called `<token>-<ip>`, as by the original.
 */
export async function syncCatalog(
  ctx: Context,
  consul: Consul,
  token: string,
  servers: Iterable<string>,
): Promise<boolean> {
  const wanted = byKey([...servers].flatMap((server) => externalOf(token, server)))
  // What shares our service's name but not our nodes' is somebody else's.
  const registered = (await externalServices(ctx, consul, token)).filter(({ node }) => node.startsWith(`${token}-`))
  const present = byKey(registered)
  const missing = [...wanted].flatMap(([key, service]) => (present.has(key) ? [] : [service]))
  const gone = [...present].flatMap(([key, service]) => (wanted.has(key) ? [] : [service]))
  const nodes = new Set([...wanted.values()].map(({ node }) => node))
  const outcomes = await Promise.allSettled(missing.map((service) => register(ctx, consul, service)))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  for (const { node, id } of gone) {
    if (nodes.has(node)) await deregisterExternal(ctx, consul, node, id)
    else await deregisterNode(ctx, consul, node)
  }
  return missing.length > 0 || gone.length > 0
}

async function register(ctx: Context, consul: Consul, service: ExternalService): Promise<void> {
  try {
    await registerExternal(ctx, consul, service)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'rejected') throw thrown
    const { address: host, port } = service
    ctx.log.warn(`the server ${hostPortText({ host, port })} is not put into the catalog: ${thrown.message}`)
  }
}

function externalOf(token: string, server: string): ExternalService[] {
  const parsed = parseServer(server)
  if (!parsed) return []
  const { ip, port } = parsed
  return [{ node: `${token}-${ip.replaceAll(':', '-')}`, address: ip, service: token, id: `${token}:${port}`, port }]
}

function byKey(services: readonly ExternalService[]): Map<string, ExternalService> {
  return new Map(services.map((service) => [`${service.node} ${service.id}`, service]))
}
