import type { Context } from '../../../../base/context.ts'
import { Failure } from '../../../../base/failure.ts'
import { checkSeesNodes } from '../../../../consul/node-visibility.ts'
import type { ClusterAccess } from '../../../../leader/cluster/cluster-access.ts'
import {
  type ClusterStatus,
  isKnown,
  isSwitched,
  readClusterStatus,
} from '../../../../leader/cluster/cluster-status.ts'

/** The cluster as it is. Rejects with a `precondition` failure when no agent of it is registered. */
export async function knownCluster(ctx: Context, access: ClusterAccess): Promise<ClusterStatus> {
  const cluster = await readClusterStatus(ctx, access.consul, access.name, access.keys)
  await checkVisible(ctx, access, cluster)
  if (isKnown(cluster)) return cluster
  throw new Failure('precondition', nobodyOf(cluster), { hint: 'is that its name?' })
}

/** Rejects with a `refused` failure when that nobody is to be seen is a matter of rights. */
async function checkVisible(ctx: Context, { consul }: ClusterAccess, { name, members }: ClusterStatus): Promise<void> {
  if (members.length === 0) await checkSeesNodes(ctx, consul, `the agents of ${name}`)
}

/**
 * The cluster in which something is to be switched; by force that can be done before the first agent comes. Rejects
 * with a `precondition` failure when nobody would heed it: there is no agent of it at all, or none on `node`.
 */
export async function clusterToSwitch(
  ctx: Context,
  access: ClusterAccess,
  { node, force }: { readonly node: string | undefined; readonly force: boolean },
): Promise<ClusterStatus> {
  if (!force) {
    const cluster = await knownCluster(ctx, access)
    if (node !== undefined) checkMember(cluster, node, '; --force does it nevertheless')
    return cluster
  }
  const cluster = await readClusterStatus(ctx, access.consul, access.name, access.keys)
  if (!isKnown(cluster)) ctx.log.warn(`${nobodyOf(cluster)}; it counts when one comes`)
  else if (node !== undefined && !isMember(cluster, node)) {
    ctx.log.warn(`${nobodyOn(cluster, node)}; it counts when one comes`)
  }
  return cluster
}

/** Rejects as `clusterToSwitch`, unless something is switched there that can be switched off. */
export async function clusterToFree(ctx: Context, access: ClusterAccess, node?: string): Promise<ClusterStatus> {
  const cluster = await readClusterStatus(ctx, access.consul, access.name, access.keys)
  if (node === undefined ? isSwitched(cluster) : cluster.absent.includes(node)) return cluster
  await checkVisible(ctx, access, cluster)
  if (!isKnown(cluster)) throw new Failure('precondition', nobodyOf(cluster), { hint: 'is that its name?' })
  if (node !== undefined) checkMember(cluster, node)
  return cluster
}

function checkMember(cluster: ClusterStatus, node: string, wayOut = ''): void {
  if (isMember(cluster, node)) return
  const hint = `its nodes are ${cluster.members.map(({ node }) => node).join(', ')}${wayOut}`
  throw new Failure('precondition', nobodyOn(cluster, node), { hint })
}

function isMember({ members }: ClusterStatus, node: string): boolean {
  return members.some((member) => member.node === node)
}

function nobodyOf({ name }: ClusterStatus): string {
  return `no agent of ${name} is registered in Consul`
}

function nobodyOn({ name }: ClusterStatus, node: string): string {
  return `no agent of ${name} is registered on ${node}`
}
