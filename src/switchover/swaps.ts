import type { Context } from '../base/context.ts'
import { nodesWithService } from '../consul/catalog.ts'
import { belongs, type ClusterId, type ClusterSite } from './cluster-site.ts'
import type { ClusterView } from './cluster-view.ts'
import type { Swap, SwitchPlan } from './plan.ts'
import { isAmong, type NodeAt, parseCluster, type Roles, sameRoles, withRoles } from './roles.ts'
import { rolesIn } from './roles-side.ts'

/**
 * What a switch makes of each datacenter's cluster key. Those that lose the role hear of it first: between two
 * datacenters nobody is active for a while. One that is out of reach is taken to have the same text as ours until it
 * is back.
 */
export function swapsOf(view: ClusterView, promote: readonly NodeAt[]): Swap[] {
  const { roles, cluster, self, home, sites, unreachable } = view
  const after = exchanged(roles, promote)
  const ours = home.cluster?.value ?? ''
  const texts: Omit<Swap, 'after'>[] = [
    ...unreachable.map((datacenter) => ({ datacenter, before: ours, isAssumed: true })),
    ...sites.map((site) => ({ datacenter: site.datacenter, before: site.cluster?.value ?? '' })),
  ]
  const gains = ({ datacenter }: { datacenter: string }) => promote.some((at) => at.datacenter === datacenter)
  return [...texts.filter((text) => !gains(text)), ...texts.filter(gains)].map((text) => {
    return { ...text, after: withRoles(cluster.key, text.before, self.node, after) }
  })
}

function exchanged(roles: Roles, promote: readonly NodeAt[]): Roles {
  if (roles.form === 'datacenters') return { form: 'datacenters', active: roles.standby, standby: roles.active }
  const active = promote.map(({ node }) => node)
  const left = roles.standby.filter((node) => !active.includes(node))
  return { form: 'nodes', active, standby: [...roles.active, ...left] }
}

/**
 * The plan with what is found in datacenters that have come back: the same roles in other words, and the nodes of one
 * that was active as a whole. One that has other roles is left as it is, in dispute. Rejects with a `Failure`.
 */
export async function withReturned(
  ctx: Context,
  plan: SwitchPlan,
  { cluster, self, sites }: { cluster: ClusterId; self: NodeAt; sites: readonly ClusterSite[] },
): Promise<SwitchPlan> {
  for (const site of sites) {
    const swap = plan.swaps.find((swap) => swap.isAssumed && swap.datacenter === site.datacenter)
    const found = swap && foundSwap(cluster.key, self.node, swap, site.cluster?.value)
    if (!found) continue
    const swaps = plan.swaps.map((swap) => (swap.datacenter === site.datacenter ? found : swap))
    const nodes = await nodesToFence(ctx, plan, cluster, self, site, found)
    return {
      ...plan,
      revision: plan.revision + 1,
      swaps,
      demote: [...plan.demote, ...nodes],
      skipped: [...plan.skipped, ...nodes],
    }
  }
  return plan
}

function foundSwap(key: string, node: string, swap: Swap, text: string | undefined): Swap | undefined {
  const [here, before, after] = [text, swap.before, swap.after].map((text) => rolesIn(key, node, text))
  if (text === undefined || !here || !before || !after) return undefined
  const { datacenter } = swap
  if (sameRoles(here, before)) return { datacenter, before: text, after: withRoles(key, text, node, after) }
  if (sameRoles(here, after)) return { datacenter, before: withRoles(key, text, node, before), after: text }
  return undefined
}

/**
 * Nodes of a datacenter that was active as a whole: nobody could list them while it was out of reach. Servers that come
 * back forget nodes that haven't come back yet, so those count, too, that have keys.
 */
async function nodesToFence(
  ctx: Context,
  { promote, demote }: SwitchPlan,
  cluster: ClusterId,
  self: NodeAt,
  { consul, datacenter, nodes }: ClusterSite,
  { before }: Swap,
): Promise<NodeAt[]> {
  const { roles } = parseCluster(cluster.key, before, self.node)
  if (roles.form !== 'datacenters' || roles.active !== datacenter) return []
  const listed = await nodesWithService(ctx, consul, cluster.service)
  return [...new Set([...listed, ...nodes])]
    .filter((node) => belongs(cluster, node))
    .map((node) => ({ node, datacenter }))
    .filter((at) => !isAmong(at, [...promote, ...demote]))
}
