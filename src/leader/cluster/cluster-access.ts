import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { changeStored } from './change-stored.ts'
import { type ClusterStatus, readClusterStatus } from './cluster-status.ts'
import { CLUSTER_SWITCHES, type ClusterSwitches, NODE_SWITCHES, type NodeSwitches } from './cluster-switches.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { askForStepDown, checkGranted, withdrawStepDown } from './step-down-request.ts'

/** An operator's way to one application's cluster. All that is asked for goes through Consul. */
export interface ClusterAccess {
  readonly consul: Consul
  readonly name: string
  readonly keys: LeaderKeys
}

type Maintained = NodeSwitches & ClusterSwitches

const LOOK_MS = 100

/** Takes a node out, for a person, or brings it back. */
export async function setDisabled(
  ctx: Context,
  { consul, keys }: ClusterAccess,
  node: string,
  by: string | undefined,
): Promise<void> {
  await changeStored(ctx, consul, keys.nodes + node, NODE_SWITCHES, ({ disabled: _, disabledBy: __, ...rest }) =>
    by === undefined ? rest : { ...rest, disabled: true, disabledBy: by },
  )
}

/** Puts a node, or the cluster, into maintenance until an instant (an ISO date), or takes it out. */
export async function setMaintenance(
  ctx: Context,
  { consul, keys }: ClusterAccess,
  node: string | undefined,
  until: string | undefined,
): Promise<void> {
  const change = ({ maintenanceUntil: _, ...rest }: Maintained): Maintained =>
    until === undefined ? rest : { ...rest, maintenanceUntil: until }
  if (node === undefined) await changeStored(ctx, consul, keys.cluster, CLUSTER_SWITCHES, change)
  else await changeStored(ctx, consul, keys.nodes + node, NODE_SWITCHES, change)
}

/** Forgets the failovers that have been. Settles with whether there were too many. */
export async function liftFreeze(ctx: Context, { consul, keys }: ClusterAccess): Promise<boolean> {
  let wasFrozen = false
  await changeStored(ctx, consul, keys.cluster, CLUSTER_SWITCHES, ({ frozen, failovers: _, ...rest }) => {
    wasFrozen = frozen !== undefined
    return rest
  })
  return wasFrozen
}

/** Throws a `precondition` failure when nobody could take over from the master on this node. */
function checkSuccessor({ name, members }: ClusterStatus, node: string): void {
  if (members.some((member) => member.candidate && member.node !== node)) return
  throw new Failure('precondition', `no other node of ${name} is ready to become master`, {
    hint: `see consul-locker leader members ${name}; --force does it nevertheless`,
  })
}

/** A hand-over that was asked for. */
export interface AskedHandover {
  /** Whose master it is. */
  readonly node: string
  readonly id: string
}

/**
 * Asks the master to hand over, to `candidate` if one is named. Throws a `precondition` failure when that can't go
 * well.
 */
export async function requestStepDown(
  ctx: Context,
  access: ClusterAccess,
  request: { readonly by: string; readonly force: boolean; readonly candidate?: string | undefined },
): Promise<AskedHandover> {
  const { consul, name, keys } = access
  const { by, force, candidate } = request
  const cluster = await readClusterStatus(ctx, consul, name, keys)
  const { master } = cluster
  if (!master) throw new Failure('precondition', `${name} has no master that could step down`)
  if (candidate !== undefined) checkCandidate(cluster, candidate)
  else if (!force) checkSuccessor(cluster, master.node)
  const named = candidate === undefined ? {} : { candidate }
  const id = await askForStepDown(ctx, consul, keys, { node: master.node, by, force, ...named })
  return { node: master.node, id }
}

/** Throws a `precondition` failure when this node could not take over: now, or at all if `isLater`. */
export function checkCandidate({ name, master, members }: ClusterStatus, candidate: string, isLater = false): void {
  const found = members.find(({ node }) => node === candidate)
  const refuse = (why: string, hint?: string): never => {
    throw new Failure('precondition', why, { hint })
  }
  if (!found)
    refuse(`no agent of ${name} is on ${candidate}`, `its nodes are ${members.map(({ node }) => node).join(', ')}`)
  if (master?.node === candidate) refuse(`${candidate} is the master of ${name} already`)
  if (found?.disabled) refuse(`${candidate} is disabled`, `consul-locker leader enable ${name} --node ${candidate}`)
  if (!found?.candidate && !isLater)
    refuse(`${candidate} is not ready to become master of ${name}: ${found?.message || found?.health}`)
}

/**
 * Settles with the cluster once another node is its promoted master after a hand-over. Throws a `precondition` failure
 * with the master's reason when that refuses, and a `timed-out` failure when nothing has come of it within `ms`
 * milliseconds; then nothing is left of the request.
 */
export async function awaitHandover(
  ctx: Context,
  access: ClusterAccess,
  { node, id }: AskedHandover,
  ms: number,
): Promise<ClusterStatus> {
  const { consul, keys } = access
  try {
    return await awaitNewMaster(ctx, access, node, ms, () => checkGranted(ctx, consul, keys, id))
  } finally {
    await withdrawStepDown(ctx, consul, keys, id)
  }
}

/**
 * Settles with the cluster once another node than this one is its promoted master. Throws a `timed-out` failure when
 * that has not come about within `ms` milliseconds. `check` is called at each look, and may reject.
 */
export async function awaitNewMaster(
  ctx: Context,
  access: ClusterAccess,
  node: string,
  ms: number,
  check: () => Promise<void> = async () => {},
): Promise<ClusterStatus> {
  const start = ctx.clock.now()
  for (;;) {
    const cluster = await readClusterStatus(ctx, access.consul, access.name, access.keys)
    if (cluster.master && cluster.master.node !== node && !cluster.promoting) return cluster
    await check()
    if (ctx.clock.since(start) >= ms) throw tooLate(cluster, node, ms)
    await sleep(ctx, LOOK_MS)
  }
}

function tooLate({ name, master, promoting }: ClusterStatus, node: string, ms: number): Failure {
  const time = formatDuration(ms)
  if (!master) return new Failure('timed-out', `${name} has no master after ${time}`)
  if (promoting)
    return new Failure('timed-out', `${master.node || 'somebody'} is still being made master after ${time}`)
  return new Failure('timed-out', `${node} is still the master of ${name} after ${time}`, {
    hint: 'its log tells why',
  })
}
