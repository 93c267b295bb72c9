import type { Context } from '../../../base/context.ts'
import { gauge, type Metric } from '../../../base/prometheus.ts'
import type { Consul } from '../../../consul/consul.ts'
import { applicationMetrics } from '../../../overview/application-metrics.ts'
import { lockMetrics } from '../../../overview/lock-metrics.ts'
import type { LocksRequest } from '../../../overview/lock-request.ts'
import { readLocks } from '../../../overview/read-locks.ts'

/** Reads the locks that are asked for, as metrics: `most` locks, and as many applications, have series of their own. */
export async function readLockMetrics(
  ctx: Context,
  consul: Consul,
  request: LocksRequest,
  most: number,
): Promise<Metric[]> {
  const view = await readLocks(ctx, consul, request)
  const [leaders = [], locks = []] = [true, false].map((isLeader) =>
    view.locks.filter(({ kind }) => (kind === 'leader') === isLeader),
  )
  return [
    gauge('consul_locker_unseen', 'How many kinds of keys the token may not see', [{ value: view.unseen.length }]),
    ...lockMetrics({ ...view, locks }, most),
    ...applicationMetrics(leaders, most),
  ]
}
