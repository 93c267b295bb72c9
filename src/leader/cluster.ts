import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { Health } from '../consul/health.ts'
import { readInstances } from '../consul/instances.ts'
import { watchKeys } from '../consul/kv.ts'
import { folderOf } from './folder.ts'
import type { ClusterSwitches, LeaderKeys } from './leader-keys.ts'
import { isCandidateNow, priorityOf } from './peers.ts'
import { healthCheckId } from './service-definition.ts'

/** One node of an application's cluster. */
export interface Member {
  readonly node: string
  readonly address: string
  readonly port: number
  /** The tag of its role. */
  readonly role: string
  readonly health: Health
  /** What the application's health check says. */
  readonly message: string
  readonly priority: number
  readonly candidate: boolean
  readonly disabled: boolean
  readonly maintenanceUntil: string | undefined
}

/** An application's cluster, as Consul knows it. */
export interface Cluster {
  readonly name: string
  readonly master:
    | { readonly node: string; readonly address: string; readonly port: number; readonly since: string }
    | undefined
  /** The lock is held, but `ensure_master` has not succeeded yet. */
  readonly promoting: boolean
  readonly members: readonly Member[]
  readonly maintenanceUntil: string | undefined
  readonly frozen: ClusterSwitches['frozen']
  readonly failovers: readonly string[]
}

const ROLES = ['master', 'slave', 'unhealthy', 'disabled']

/** Looks at a cluster: its lock, its switches, its registered services. */
export async function readCluster(ctx: Context, consul: Consul, name: string, keys: LeaderKeys): Promise<Cluster> {
  const [{ entries }, { instances }] = await Promise.all([
    watchKeys(ctx, consul, keys.prefix, { consistent: true }),
    readInstances(ctx, consul, name, { consistent: true }),
  ])
  const { holder, nodes, cluster } = folderOf(keys, entries)
  const nowMs = ctx.clock.now().wallMs
  const lasting = (until: string | undefined) => (until && Date.parse(until) > nowMs ? until : undefined)
  const members = instances.map((instance): Member => {
    const { node, address, port, tags, health, checks } = instance
    const check = checks.find(({ CheckID }) => CheckID === healthCheckId(name))
    return {
      node,
      address,
      port,
      role: tags.find((tag) => ROLES.includes(tag)) ?? 'unknown',
      health,
      message: check?.Output.split('\n', 1)[0] ?? '',
      priority: priorityOf(instance),
      candidate: isCandidateNow(instance),
      disabled: nodes.get(node)?.disabled === true,
      maintenanceUntil: lasting(nodes.get(node)?.maintenanceUntil),
    }
  })
  const { node = '', address = '', port = 0, since = '', promoted } = holder ?? {}
  return {
    name,
    master: holder && { node, address, port, since },
    promoting: holder !== undefined && promoted !== true,
    members: members.sort((one, other) => (one.node < other.node ? -1 : 1)),
    maintenanceUntil: lasting(cluster.maintenanceUntil),
    frozen: cluster.frozen,
    failovers: cluster.failovers ?? [],
  }
}
