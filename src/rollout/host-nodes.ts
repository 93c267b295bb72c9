import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { transact } from '../consul/txn.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** The nodes of hosts that are called otherwise than their nodes, as these have recorded it. */
export type HostNodes = ReadonlyMap<string, string>

/**
 * Records how the node of a host is called, if that isn't recorded: others find the checks of a host by its node, and
 * by the host's own name as long as nothing else is recorded. Rejects with a `Failure`.
 */
export async function recordNode(
  ctx: Context,
  consul: Consul,
  keys: RolloutKeys,
  nodes: HostNodes,
  { host, node }: { readonly host: string; readonly node: string },
): Promise<void> {
  if ((nodes.get(host) ?? host) === node) return
  const key = keys.nodeOf(host)
  await transact(ctx, consul, [host === node ? { verb: 'delete', key } : { verb: 'set', key, value: node }])
}

/** The hosts whose checks a node has; its own name when none has recorded it. */
export function hostsOnNode(nodes: HostNodes, node: string): string[] {
  const hosts = [...nodes].filter(([, other]) => other === node).map(([host]) => host)
  return hosts.length > 0 ? hosts : [node]
}
