import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { datacenters, nodeNames, nodesWithService } from '../consul/catalog.ts'
import type { Consul } from '../consul/consul.ts'
import { serviceHealth } from '../consul/instances.ts'
import { isAlive } from '../consul/node-checks.ts'
import { type NodeAt, parseCluster, type Role, type Roles, roleOf, sameRoles } from './roles.ts'
import { type Cluster, reachSite, readSite, type Site } from './site.ts'

/** What one node sees of its cluster: its own datacenter's keys, and those of all others that have the cluster key. */
export interface Ground {
  readonly self: NodeAt
  readonly cluster: Cluster
  readonly home: Site
  /** All that have the cluster key, home included, by name. */
  readonly sites: readonly Site[]
  /** Datacenters that don't answer. */
  readonly unreachable: readonly string[]
  readonly roles: Roles
  /** python-powerconsul's own switch is under way. */
  readonly locked: boolean
  /** Another datacenter whose cluster key says otherwise. */
  readonly dissenter: string | undefined
}

/** Looks at the cluster from a node. Rejects with a `Failure`: no cluster key, one that makes no sense, no Consul. */
export async function survey(ctx: Context, consul: Consul, cluster: Cluster, self: NodeAt): Promise<Ground> {
  const known = await datacenters(ctx, consul)
  const others = known.filter((datacenter) => datacenter !== self.datacenter)
  const [home, ...reached] = await Promise.all([
    readSite(ctx, consul, cluster, self.datacenter),
    ...others.map((datacenter) => reachSite(ctx, consul, cluster, datacenter)),
  ])
  if (home.cluster === undefined) throw missing(cluster.key, self.datacenter)
  const sites = [home, ...reached.filter((site) => site?.cluster !== undefined)].filter((site) => site !== undefined)
  const ahead = sites.find(hasSwapped)
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
 * heard yet that somebody else is. Throws a `declined` failure when the node has no role.
 */
export function ownRole({ self, roles, cluster, dissenter }: Ground): Role {
  const role = roleOf(roles, self)
  if (role === undefined) {
    throw new Failure('declined', `${self.node} is neither active nor standby at ${cluster.key}`, {
      hint: 'a node goes by its Consul name; consul members lists them',
    })
  }
  return dissenter === undefined ? role : 'standby'
}

/**
 * The nodes of both sides. Of a datacenter they are those that have registered the service there. A node that nobody
 * can place is there once for each datacenter that it may be in. Rejects with a `Failure`.
 */
export async function membersOf(ctx: Context, ground: Ground): Promise<Record<Role, readonly NodeAt[]>> {
  const { cluster, roles, sites, self, unreachable } = ground
  if (roles.form === 'datacenters') {
    const members = async (datacenter: string) => {
      const site = sites.find((site) => site.datacenter === datacenter)
      const nodes = site ? await nodesWithService(ctx, site.consul, cluster.service) : []
      return nodes.map((node) => ({ node, datacenter }))
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
    const datacenters = there === undefined ? possiblePlaces(node, ground) : [there]
    return datacenters.map((datacenter) => ({ node, datacenter }))
  }
  return { active: roles.active.flatMap(place), standby: roles.standby.flatMap(place) }
}

/**
 * Where a node may be that no catalog knows: servers that were down forget a dead node. It is fenced wherever it may
 * hear of that when it comes back.
 */
function possiblePlaces(node: string, { sites, unreachable }: Ground): string[] {
  const knowing = sites.filter(({ nodes }) => nodes.includes(node)).map(({ datacenter }) => datacenter)
  const places = [...knowing, ...unreachable]
  return places.length > 0 ? places : sites.map(({ datacenter }) => datacenter)
}

/** The nodes whose agents don't live. */
export async function deadAmong(ctx: Context, { sites }: Ground, nodes: readonly NodeAt[]): Promise<Set<string>> {
  const dead = new Set<string>()
  for (const { node, datacenter } of nodes) {
    const site = sites.find((site) => site.datacenter === datacenter)
    if (!site || !(await isAlive(ctx, site.consul, node))) dead.add(node)
  }
  return dead
}

/** The nodes whose agents live, but on which the service is critical. */
export async function failingAmong(
  ctx: Context,
  { sites, cluster }: Ground,
  nodes: readonly NodeAt[],
): Promise<Set<string>> {
  const failing = new Set<string>()
  for (const { datacenter, consul } of sites) {
    const healths = await serviceHealth(ctx, consul, cluster.service)
    const here = nodes.filter((at) => at.datacenter === datacenter && healths.get(at.node) === 'critical')
    for (const { node } of here) failing.add(node)
  }
  return failing
}

async function locate(ctx: Context, sites: readonly Site[]): Promise<Map<string, string>> {
  const located = new Map<string, string>()
  for (const { consul, datacenter } of sites) {
    for (const node of await nodeNames(ctx, consul)) located.set(node, datacenter)
  }
  return located
}

/** A datacenter where a switch under way has set the new roles already: the others follow, they don't disagree. */
function hasSwapped({ plan, datacenter, cluster }: Site): boolean {
  return plan?.swaps.some((swap) => swap.datacenter === datacenter && swap.after === cluster?.value) ?? false
}

function saysSo(cluster: Cluster, site: Site, node: string, roles: Roles): boolean {
  const { roles: theirs } = parseCluster(cluster.key, site.cluster?.value ?? '', node)
  return sameRoles(theirs, roles)
}

function missing(key: string, datacenter: string): Failure {
  return new Failure('declined', `there is no cluster key ${key} in the datacenter ${datacenter}`, {
    hint: `consul kv put ${key} '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}'`,
  })
}
