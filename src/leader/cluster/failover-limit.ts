import { withDeadline } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure, messageOf } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { changeStored } from './change-stored.ts'
import { CLUSTER_SWITCHES, type ClusterSwitches, isFrozen } from './cluster-switches.ts'
import type { LeaderKeys } from './leader-keys.ts'

const HOUR_MS = 3_600_000
/** Counting keeps nobody waiting for long. */
const RECORDING_MS = 3000

/**
 * What the cluster remembers when `node` has become master: one that follows another which hasn't handed over is a
 * failover, and so many within an hour freeze the cluster until fewer of them are that young.
 */
export function switchesAfterPromotion(
  before: ClusterSwitches,
  node: string,
  mostPerHour: number,
  nowMs: number,
): ClusterSwitches {
  const { lastMaster, handover, successor: _, frozen, failovers = [], term = 0, ...rest } = before
  const isFailover = lastMaster !== undefined && lastMaster !== node && handover !== lastMaster
  const recent = failovers.filter((at) => nowMs - Date.parse(at) < HOUR_MS)
  const counted = isFailover ? [...recent, new Date(nowMs).toISOString()] : recent
  const after = { ...rest, lastMaster: node, term: term + 1, failovers: counted }
  const oldest = counted.at(-mostPerHour)
  if (oldest === undefined || counted.length < mostPerHour) return after
  const since = (isFrozen(before, nowMs) && frozen?.since) || new Date(nowMs).toISOString()
  const until = new Date(Date.parse(oldest) + HOUR_MS).toISOString()
  return { ...after, frozen: { since, until, why: `${counted.length} failovers within an hour` } }
}

/** Records that `node` has become master. Rejects with a `Failure` when that can't be recorded. */
export async function recordPromotion(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  node: string,
  mostPerHour: number,
): Promise<void> {
  const nowMs = ctx.clock.now().wallMs
  const { frozen } = await record(ctx, consul, keys, (before) =>
    switchesAfterPromotion(before, node, mostPerHour, nowMs),
  )
  if (frozen)
    ctx.log.warn(`${frozen.why}: from now on a failover waits for the last master (leader unfreeze ends that)`)
}

/**
 * Records that the master on `node` hands over of its own will, and to whom if that matters. Without that, who comes
 * next is a failover.
 */
export async function recordHandover(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  node: string,
  successor: string | undefined,
): Promise<void> {
  try {
    await record(ctx, consul, keys, ({ successor: _, ...before }) => ({
      ...before,
      handover: node,
      ...(successor === undefined ? {} : { successor }),
    }))
  } catch (thrown) {
    ctx.log.warn(`the hand-over will count as a failover: ${messageOf(thrown)}`)
  }
}

async function record(
  ctx: Context,
  consul: Consul,
  { cluster }: LeaderKeys,
  change: (before: ClusterSwitches) => ClusterSwitches | undefined,
): Promise<ClusterSwitches> {
  try {
    return await withDeadline(ctx, RECORDING_MS, (ctx) => changeStored(ctx, consul, cluster, CLUSTER_SWITCHES, change))
  } catch (thrown) {
    throw new Failure('unavailable', `the failovers can't be counted: ${messageOf(thrown)}`, { cause: thrown })
  }
}
