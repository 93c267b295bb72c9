import type { Context } from '../base/context.ts'
import { nodeNames, nodesWithService } from '../consul/catalog.ts'
import { readInstances, serviceHealth } from '../consul/instances.ts'
import { isMaintained, isMaintenance } from '../consul/maintenance.ts'
import { isAlive } from '../consul/node-checks.ts'
import { belongs, type ClusterSite } from './cluster-site.ts'
import type { ClusterView } from './cluster-view.ts'
import type { ClusterRole, NodeAt } from './roles.ts'

/**
 * The nodes of both sides. Of a datacenter they are those that have registered the service there. A node that nobody
 * can place is there once for each datacenter that it may be in. Rejects with a `Failure`.
 */
export async function membersOf(ctx: Context, view: ClusterView): Promise<Record<ClusterRole, readonly NodeAt[]>> {
  const { cluster, roles, sites, self, unreachable } = view
  if (roles.form === 'datacenters') {
    const members = async (datacenter: string) => {
      const site = sites.find((site) => site.datacenter === datacenter)
      const nodes = site ? await nodesWithService(ctx, site.consul, cluster.service) : []
      return nodes.filter((node) => belongs(cluster, node)).map((node) => ({ node, datacenter }))
    }
    return { active: await members(roles.active), standby: await members(roles.standby) }
  }
  if (sites.length + unreachable.length === 1) {
    const place = (node: string) => ({ node, datacenter: self.datacenter })
    return { active: roles.active.map(place), standby: roles.standby.map(place) }
  }
  const located = await locate(ctx, sites)
  const place = (node: string) => {
    const there = located.get(node)
    const datacenters = there === undefined ? possiblePlaces(node, view) : [there]
    return datacenters.map((datacenter) => ({ node, datacenter }))
  }
  return { active: roles.active.flatMap(place), standby: roles.standby.flatMap(place) }
}

/**
 * Where a node may be that no catalog knows: servers that were down forget a dead node. It is fenced wherever it may
 * hear of that when it comes back.
 */
function possiblePlaces(node: string, { sites, unreachable }: ClusterView): string[] {
  const knowing = sites.filter(({ nodes }) => nodes.includes(node)).map(({ datacenter }) => datacenter)
  const places = [...knowing, ...unreachable]
  return places.length > 0 ? places : sites.map(({ datacenter }) => datacenter)
}

/**
 * The nodes of an active datacenter that it has forgotten, as servers do with dead nodes while they are down
 * themselves: those that have keys. They may come back, or may be gone for good: to be fenced, but no reason not to
 * switch.
 */
export function forgottenAmong({ roles, sites, cluster }: ClusterView, active: readonly NodeAt[]): NodeAt[] {
  const site = roles.form === 'datacenters' && sites.find(({ datacenter }) => datacenter === roles.active)
  if (!site) return []
  const known = active.map(({ node }) => node)
  const forgotten = new Set(site.nodes.filter((node) => !known.includes(node) && belongs(cluster, node)))
  return [...forgotten].map((node) => ({ node, datacenter: site.datacenter }))
}

/** The nodes whose agents don't live. */
export async function deadAmong(ctx: Context, { sites }: ClusterView, nodes: readonly NodeAt[]): Promise<NodeAt[]> {
  const dead: NodeAt[] = []
  for (const at of nodes) {
    const site = sites.find(({ datacenter }) => datacenter === at.datacenter)
    if (!site || !(await isAlive(ctx, site.consul, at.node))) dead.push(at)
  }
  return dead
}

/** The nodes that are in maintenance, or whose service is. */
export async function maintainedAmong(
  ctx: Context,
  { sites, cluster }: ClusterView,
  nodes: readonly NodeAt[],
): Promise<NodeAt[]> {
  const maintained: NodeAt[] = []
  for (const { consul, datacenter } of sites) {
    const here = nodes.filter((at) => at.datacenter === datacenter)
    const { instances } = here.length > 0 ? await readInstances(ctx, consul, cluster.service) : { instances: [] }
    for (const at of here) {
      const own = instances.filter(({ node }) => node === at.node)
      const isMarked =
        own.length > 0
          ? own.some(({ checks }) => checks.some(isMaintenance))
          : await isMaintained(ctx, consul, at.node, cluster.service)
      if (isMarked) maintained.push(at)
    }
  }
  return maintained
}

/** The nodes whose agents live, but on which the service is critical. */
export async function failingAmong(ctx: Context, view: ClusterView, nodes: readonly NodeAt[]): Promise<NodeAt[]> {
  const failing: NodeAt[] = []
  for (const { datacenter, consul } of view.sites) {
    const healths = await serviceHealth(ctx, consul, view.cluster.service)
    failing.push(...nodes.filter((at) => at.datacenter === datacenter && healths.get(at.node) === 'critical'))
  }
  return failing
}

async function locate(ctx: Context, sites: readonly ClusterSite[]): Promise<Map<string, string>> {
  const located = new Map<string, string>()
  for (const { consul, datacenter } of sites) {
    for (const node of await nodeNames(ctx, consul)) located.set(node, datacenter)
  }
  return located
}
