import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { isMaintained } from '../consul/maintenance.ts'
import { transact } from '../consul/txn.ts'
import type { ClusterId } from '../switchover/cluster-site.ts'
import { type ClusterView, ownRole, viewCluster } from '../switchover/cluster-view.ts'
import { withoutLock } from '../switchover/roles.ts'
import { type ActiveNodes, activeNodes, isOwnTakeover } from '../switchover/takeover.ts'
import type { Membership } from './check-result.ts'
import { localFailures } from './cluster-problems.ts'
import { localAgent } from './local-agent.ts'

const NO_ACTIVE: ActiveNodes = { passing: false, maintained: [] }

/** Where our node stands in its cluster. Rejects with a `Failure`. */
export async function membershipOf(ctx: Context, consul: Consul, cluster: ClusterId): Promise<Membership> {
  const { entry } = await readKey(ctx, consul, cluster.key)
  if (entry === undefined) return { clustered: false }
  const view = await viewCluster(ctx, consul, cluster, await localAgent(ctx, consul))
  const role = ownRole(view)
  const { passing, maintained } = role === 'standby' ? await activeNodes(ctx, view) : NO_ACTIVE
  if (passing && view.locked) await unlock(ctx, view)
  const { plan } = view.home
  const isTakingOver = plan !== undefined && isOwnTakeover(plan, view)
  const failures = localFailures(view)
  return {
    clustered: true,
    role,
    activePasses: passing,
    maintainedPrimaries: maintained.map(({ node }) => node),
    isMaintained: await isMaintained(ctx, consul, view.self.node, cluster.service),
    isTakingOver,
    node: view.self.node,
    failures,
  }
}

/** python-powerconsul's switch locks the key, and expects the first standby that sees it succeed to unlock it. */
async function unlock(ctx: Context, { home, cluster, self }: ClusterView): Promise<void> {
  if (home.cluster === undefined) return
  const value = withoutLock(cluster.key, home.cluster.value, self.node)
  await transact(ctx, home.consul, [{ verb: 'cas', key: cluster.key, index: home.cluster.modifyIndex, value }])
}
