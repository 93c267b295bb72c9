import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { type Ground, ownRole, survey } from '../switchover/ground.ts'
import { withoutLock } from '../switchover/roles.ts'
import type { Cluster } from '../switchover/site.ts'
import { anyActivePasses, isOwnTakeover } from '../switchover/takeover.ts'
import { ownSetbacks } from './incidents.ts'
import { ownAgent } from './own-agent.ts'
import type { Standing } from './verdict.ts'

/** Where our node stands in its cluster. Rejects with a `Failure`. */
export async function standingOf(ctx: Context, consul: Consul, cluster: Cluster): Promise<Standing> {
  const { entry } = await readKey(ctx, consul, cluster.key)
  if (entry === undefined) return { clustered: false }
  const ground = await survey(ctx, consul, cluster, await ownAgent(ctx, consul))
  const role = ownRole(ground)
  const activePasses = role === 'standby' && (await anyActivePasses(ctx, ground))
  if (activePasses && ground.locked) await unlock(ctx, ground)
  const { plan } = ground.home
  const isTakingOver = plan !== undefined && isOwnTakeover(plan, ground)
  const setbacks = ownSetbacks(ground)
  return { clustered: true, role, activePasses, isTakingOver, node: ground.self.node, setbacks }
}

/** python-powerconsul's switch locks the key, and expects the first standby that sees it succeed to unlock it. */
async function unlock(ctx: Context, { home, cluster, self }: Ground): Promise<void> {
  if (home.cluster === undefined) return
  const value = withoutLock(cluster.key, home.cluster.value, self.node)
  await transact(ctx, home.consul, [{ verb: 'cas', key: cluster.key, index: home.cluster.modifyIndex, value }])
}
