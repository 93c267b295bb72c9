import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { datacenters } from '../consul/catalog.ts'
import type { Consul } from '../consul/consul.ts'
import { type ClusterId, type ClusterSite, reachSite, readSite } from './cluster-site.ts'
import { type ClusterRole, clusterRoleOf, type NodeAt, parseCluster, type Roles, sameRoles } from './roles.ts'
import { rolesSide } from './roles-side.ts'

/** What one node sees of its cluster: its own datacenter's keys, and those of all others that have the cluster key. */
export interface ClusterView {
  readonly self: NodeAt
  readonly cluster: ClusterId
  readonly home: ClusterSite
  /** All that have the cluster key, home included, by name. */
  readonly sites: readonly ClusterSite[]
  /** Datacenters that don't answer. */
  readonly unreachable: readonly string[]
  readonly roles: Roles
  /** python-powerconsul's own switch is under way. */
  readonly locked: boolean
  /** Another datacenter whose cluster key says otherwise. */
  readonly dissenter: string | undefined
}

/** Looks at the cluster from a node. Rejects with a `Failure`: no cluster key, one that makes no sense, no Consul. */
export async function viewCluster(
  ctx: Context,
  consul: Consul,
  cluster: ClusterId,
  self: NodeAt,
): Promise<ClusterView> {
  const known = await datacenters(ctx, consul)
  const others = known.filter((datacenter) => datacenter !== self.datacenter)
  const [home, ...reached] = await Promise.all([
    readSite(ctx, consul, cluster, self.datacenter),
    ...others.map((datacenter) => reachSite(ctx, consul, cluster, datacenter)),
  ])
  if (home.cluster === undefined) throw missing(cluster.key, self.datacenter)
  const sites = [home, ...reached.filter((site) => site?.cluster !== undefined)].filter((site) => site !== undefined)
  const ahead = sites.find((site) => hasSwapped(site, self.node))
  const { roles, locked } = parseCluster(cluster.key, (ahead ?? home).cluster?.value ?? '', self.node)
  const dissenter = ahead ? undefined : sites.find((site) => !saysSo(cluster, site, self.node, roles))
  return {
    self,
    cluster,
    home,
    sites,
    unreachable: others.filter((_, position) => reached[position] === undefined),
    roles,
    locked,
    dissenter: dissenter?.datacenter,
  }
}

/**
 * The role that our node may act in. While datacenters disagree nobody is active: the one that says so may not have
 * heard yet that somebody else is. Throws a `precondition` failure when the node has no role.
 */
export function ownRole({ self, roles, cluster, dissenter }: ClusterView): ClusterRole {
  const role = clusterRoleOf(roles, self)
  if (role === undefined) {
    throw new Failure('precondition', `${self.node} is neither active nor standby at ${cluster.key}`, {
      hint: 'a node goes by its Consul name; consul members lists them',
    })
  }
  return dissenter === undefined ? role : 'standby'
}

/** A datacenter where a switch under way has set the new roles already: the others follow, they don't disagree. */
function hasSwapped({ plan, datacenter, cluster }: ClusterSite, node: string): boolean {
  const swap = plan?.swaps.find((swap) => swap.datacenter === datacenter)
  if (!swap || !cluster) return false
  return rolesSide(cluster.key, node, swap, cluster.value) === 'after'
}

function saysSo(cluster: ClusterId, site: ClusterSite, node: string, roles: Roles): boolean {
  const { roles: theirs } = parseCluster(cluster.key, site.cluster?.value ?? '', node)
  return sameRoles(theirs, roles)
}

function missing(key: string, datacenter: string): Failure {
  return new Failure('precondition', `there is no cluster key ${key} in the datacenter ${datacenter}`, {
    hint: `consul kv put ${key} '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}'`,
  })
}
