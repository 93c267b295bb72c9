import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { transact } from '../consul/txn.ts'
import { type Cluster, readCluster } from './cluster.ts'
import {
  CLUSTER_SWITCHES,
  type ClusterSwitches,
  type LeaderKeys,
  NODE_SWITCHES,
  type NodeSwitches,
  type StepDown,
} from './leader-keys.ts'
import { changeStored } from './stored.ts'

/** An operator's hand on one application's cluster. All that it does goes through Consul. */
export interface Hand {
  readonly consul: Consul
  readonly name: string
  readonly keys: LeaderKeys
}

type Maintained = NodeSwitches & ClusterSwitches

const LOOK_MS = 100

/** Takes a node out, or brings it back. */
export async function setDisabled(
  ctx: Context,
  { consul, keys }: Hand,
  node: string,
  disabled: boolean,
): Promise<void> {
  await changeStored(ctx, consul, keys.nodes + node, NODE_SWITCHES, ({ disabled: _, ...rest }) =>
    disabled ? { ...rest, disabled } : rest,
  )
}

/** Puts a node, or the cluster, into maintenance until an instant (an ISO date), or takes it out. */
export async function setMaintenance(
  ctx: Context,
  { consul, keys }: Hand,
  node: string | undefined,
  until: string | undefined,
): Promise<void> {
  const change = ({ maintenanceUntil: _, ...rest }: Maintained): Maintained =>
    until === undefined ? rest : { ...rest, maintenanceUntil: until }
  if (node === undefined) await changeStored(ctx, consul, keys.cluster, CLUSTER_SWITCHES, change)
  else await changeStored(ctx, consul, keys.nodes + node, NODE_SWITCHES, change)
}

/** Lets failovers happen again, and forgets those that have been. Settles with whether they were stopped. */
export async function unfreeze(ctx: Context, { consul, keys }: Hand): Promise<boolean> {
  let wasFrozen = false
  await changeStored(ctx, consul, keys.cluster, CLUSTER_SWITCHES, ({ frozen, failovers: _, ...rest }) => {
    wasFrozen = frozen !== undefined
    return rest
  })
  return wasFrozen
}

/** Asks the master to step down. Settles with its node. Throws a `declined` failure when that can't go well. */
export async function requestStepDown(ctx: Context, hand: Hand, by: string, force: boolean): Promise<string> {
  const cluster = await readCluster(ctx, hand.consul, hand.name, hand.keys)
  const { master } = cluster
  if (!master) throw new Failure('declined', `${hand.name} has no master that could step down`)
  if (!force && !cluster.members.some(({ candidate, node }) => candidate && node !== master.node)) {
    throw new Failure('declined', `no other node of ${hand.name} is ready to become master`, {
      hint: `see consul-locker leader members ${hand.name}; --force does it nevertheless`,
    })
  }
  const request: StepDown = { node: master.node, by, at: new Date(ctx.clock.now().wallMs).toISOString(), force }
  await transact(ctx, hand.consul, [{ verb: 'set', key: hand.keys.stepDown, value: JSON.stringify(request) }])
  return master.node
}

/**
 * Settles with the cluster once another node than this one is its promoted master. Throws a `declined` failure when
 * that has not come about within `ms` milliseconds.
 */
export async function untilMasterIsNot(ctx: Context, hand: Hand, node: string, ms: number): Promise<Cluster> {
  const start = ctx.clock.now()
  for (;;) {
    const cluster = await readCluster(ctx, hand.consul, hand.name, hand.keys)
    if (cluster.master && cluster.master.node !== node && !cluster.promoting) return cluster
    if (ctx.clock.since(start) >= ms) throw tooLate(cluster, node, ms)
    await sleep(ctx, LOOK_MS)
  }
}

function tooLate({ name, master, promoting }: Cluster, node: string, ms: number): Failure {
  const time = formatDuration(ms)
  if (!master) return new Failure('declined', `${name} has no master after ${time}`)
  if (promoting) return new Failure('declined', `${master.node} is still being made master after ${time}`)
  return new Failure('declined', `${node} is still the master of ${name} after ${time}`, {
    hint: 'within min_leader_time a master stays unless --force is given; its log tells why',
  })
}
