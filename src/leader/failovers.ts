import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { CLUSTER_SWITCHES, type ClusterSwitches, type LeaderKeys } from './leader-keys.ts'
import { changeStored } from './stored.ts'

const HOUR_MS = 3_600_000
/** Counting must not keep an application without a master for long. */
const BOOKING_MS = 3000

/**
 * What the cluster remembers when `node` has won the lock: a master that follows another one which hasn't handed over
 * is a failover, and one too many freezes the cluster.
 */
export function afterWin(before: ClusterSwitches, node: string, mostPerHour: number, nowMs: number): ClusterSwitches {
  const { lastMaster, handover, failovers = [], ...rest } = before
  const recent = failovers.filter((at) => nowMs - Date.parse(at) < HOUR_MS)
  const isFailover = lastMaster !== undefined && lastMaster !== node && handover !== lastMaster
  const now = new Date(nowMs).toISOString()
  if (isFailover && recent.length >= mostPerHour) {
    const why = `${recent.length} failovers within an hour, the last from ${lastMaster}`
    return { ...rest, lastMaster, failovers: recent, frozen: { since: now, why } }
  }
  return { ...rest, lastMaster: node, failovers: isFailover ? [...recent, now] : recent }
}

/**
 * Books that `node` has won. Settles with whether it may become master. Rejects with a `Failure` when that can't be
 * booked: failovers that nobody counts would have no limit.
 */
export async function bookFailover(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  node: string,
  mostPerHour: number,
): Promise<boolean> {
  const nowMs = ctx.clock.now().wallMs
  const after = await book(ctx, consul, keys, (before) =>
    before.frozen ? undefined : afterWin(before, node, mostPerHour, nowMs),
  )
  if (!after.frozen) return true
  ctx.log.error(`no failover: ${after.frozen.why}; a person must look, and then: consul-locker leader unfreeze`)
  return false
}

/** Books that the master on `node` hands over of its own will; without that, its successor is a failover. */
export async function bookHandover(ctx: Context, consul: Consul, keys: LeaderKeys, node: string): Promise<void> {
  try {
    await book(ctx, consul, keys, (before) => ({ ...before, handover: node }))
  } catch (thrown) {
    ctx.log.warn(`the hand-over will count as a failover: ${messageOf(thrown)}`)
  }
}

async function book(
  ctx: Context,
  consul: Consul,
  { cluster }: LeaderKeys,
  change: (before: ClusterSwitches) => ClusterSwitches | undefined,
): Promise<ClusterSwitches> {
  try {
    return await withDeadline(ctx, BOOKING_MS, (ctx) => changeStored(ctx, consul, cluster, CLUSTER_SWITCHES, change))
  } catch (thrown) {
    throw new Failure('unavailable', `the failovers can't be counted: ${messageOf(thrown)}`, { cause: thrown })
  }
}
