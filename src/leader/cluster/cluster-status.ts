import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import type { Health } from '../../consul/health.ts'
import { readInstances } from '../../consul/instances.ts'
import { watchKeys } from '../../consul/kv.ts'
import { storedAs } from '../../consul/stored-value.ts'
import { NOTE } from '../application/note.ts'
import { isRoleTag } from '../machine/role-tag.ts'
import { healthCheckId } from '../service/service-definition.ts'
import { type ClusterSwitches, isFrozen } from './cluster-switches.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { isCandidateNow, priorityOf } from './peers.ts'
import type { ReinitRequest } from './reinit-request.ts'
import type { ScheduledSwitchover } from './scheduled-switchover.ts'
import { storedStateOf } from './stored-state.ts'

/** One node of an application's cluster. */
export interface ClusterMember {
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
  /** How much it has, as it said last. */
  readonly position: string | undefined
  readonly disabled: boolean
  readonly maintenanceUntil: string | undefined
  /** It is to take the master's data. */
  readonly reinit: ReinitRequest | undefined
}

/** An application's cluster, as Consul knows it. */
export interface ClusterStatus {
  readonly name: string
  readonly master:
    | { readonly node: string; readonly address: string; readonly port: number; readonly since: string }
    | undefined
  /** The lock is held, but `ensure_master` has not succeeded yet. */
  readonly promoting: boolean
  /** What the last master had, as far as it was noted. */
  readonly note: { readonly node: string; readonly history: string; readonly position: string } | undefined
  readonly members: readonly ClusterMember[]
  /** Nodes for which something is switched, though no agent is there. */
  readonly absent: readonly string[]
  readonly maintenanceUntil: string | undefined
  /** What is to come. */
  readonly switchover: ScheduledSwitchover | undefined
  readonly frozen: ClusterSwitches['frozen']
  readonly failovers: readonly string[]
}

/** Whether Consul knows of an agent of it at all. */
export function isKnown({ master, members }: ClusterStatus): boolean {
  return master !== undefined || members.length > 0
}

/** Whether something is switched for all of it. */
export function isSwitched({ maintenanceUntil, frozen }: ClusterStatus): boolean {
  return maintenanceUntil !== undefined || frozen !== undefined
}

/** Looks at a cluster: its lock, its switches, its registered services. */
export async function readClusterStatus(
  ctx: Context,
  consul: Consul,
  name: string,
  keys: LeaderKeys,
): Promise<ClusterStatus> {
  const [{ entries }, { instances }] = await Promise.all([
    watchKeys(ctx, consul, keys.prefix, { consistent: true }),
    readInstances(ctx, consul, name, { consistent: true }),
  ])
  const { holder, nodes, positions, reinits, cluster, schedule } = storedStateOf(keys, entries)
  const note = noteIn(entries.find(({ key }) => key === keys.note)?.value)
  const nowMs = ctx.clock.now().wallMs
  const lasting = (until: string | undefined) => (until && Date.parse(until) > nowMs ? until : undefined)
  const members = instances.map((instance): ClusterMember => {
    const { node, address, port, tags, health, checks } = instance
    const check = checks.find(({ CheckID }) => CheckID === healthCheckId(name))
    return {
      node,
      address,
      port,
      role: tags.find(isRoleTag) ?? 'unknown',
      health,
      message: check?.Output.split('\n', 1)[0] ?? '',
      priority: priorityOf(instance),
      candidate: isCandidateNow(instance),
      position: positions.get(node)?.position.toString(),
      disabled: nodes.get(node)?.disabled === true,
      maintenanceUntil: lasting(nodes.get(node)?.maintenanceUntil),
      reinit: reinits.get(node),
    }
  })
  const { node = '', address = '', port = 0, since = '', promoted } = holder ?? {}
  return {
    name,
    master: holder && { node, address, port, since },
    note,
    promoting: holder !== undefined && promoted !== true,
    members: members.sort((one, other) => (one.node < other.node ? -1 : 1)),
    absent: [...nodes]
      .filter(([, { disabled, maintenanceUntil }]) => disabled || lasting(maintenanceUntil))
      .map(([node]) => node)
      .filter((node) => !instances.some((instance) => instance.node === node))
      .sort(),
    maintenanceUntil: lasting(cluster.maintenanceUntil),
    switchover: schedule?.switchover,
    frozen: isFrozen(cluster, nowMs) ? cluster.frozen : undefined,
    failovers: cluster.failovers ?? [],
  }
}

function noteIn(value: string | undefined): ClusterStatus['note'] {
  const note = value === undefined ? undefined : storedAs(NOTE, value)
  return note && { node: note.node, history: note.history, position: String(note.position) }
}
