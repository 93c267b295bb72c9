import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { readInstances } from '../consul/instances.ts'
import { readKey } from '../consul/kv.ts'
import { prefixIndex } from '../consul/prefix-index.ts'
import type { Retry } from '../consul/retry.ts'
import { storedAs } from '../consul/stored-value.ts'
import { type ClusterStatus, readClusterStatus } from '../leader/cluster/cluster-status.ts'
import { HISTORY, type History } from '../leader/cluster/leader-history.ts'
import { leaderKeys } from '../leader/cluster/leader-keys.ts'
import { watchReading } from './watch-reading.ts'

/** An application with a leader: how it is, and who led it. */
export interface LeaderView {
  readonly status: ClusterStatus
  readonly history: History
}

/** Calls `receive` with an application's cluster, at once and at each change. Settles and rejects as `watchReading`. */
export function watchLeader(
  ctx: Context,
  consul: Consul,
  name: string,
  receive: (view: LeaderView) => void,
  retry: Retry,
): Promise<never> {
  const keys = leaderKeys(name)
  return watchReading(
    ctx,
    retry,
    [
      (ctx, options) => prefixIndex(ctx, consul, keys.prefix, options),
      (ctx, options) => readInstances(ctx, consul, name, options),
    ],
    async (ctx) => {
      const status = await readClusterStatus(ctx, consul, name, keys)
      const { entry } = await readKey(ctx, consul, keys.history, { rights: 'read' })
      return { status, history: (entry && storedAs(HISTORY, entry.value)) ?? {} }
    },
    receive,
  )
}
