import type { Context } from '../../../base/context.ts'
import type { Metric } from '../../../base/prometheus.ts'
import { readFleetGates } from '../../../rollout/fleet-gates.ts'
import { fleetMetrics } from '../../../rollout/fleet-metrics.ts'
import { fleetStatus } from '../../../rollout/fleet-status.ts'
import { readFleet } from '../../../rollout/fleet-view.ts'
import { readRolloutFile } from '../../../rollout/rollout-file.ts'
import { RolloutKeys } from '../../../rollout/rollout-keys.ts'
import { connect } from '../../connection/connect.ts'
import { orFromFile } from '../../connection/consul-of-file.ts'
import type { ConsulOptions } from '../../options/consul-options.ts'
import type { ReadMetrics } from './exposition.ts'

/**
 * Reads how far the rollout of a file is; the file says how to reach Consul where options don't. Throws `usage` and
 * `config` failures.
 */
export async function rolloutMetrics(
  path: string,
  options: ConsulOptions,
  environment: NodeJS.ProcessEnv,
): Promise<ReadMetrics> {
  const file = readRolloutFile(path)
  const settings = orFromFile(options, file.consul, environment)
  const open = () => connect(settings, environment)
  const rollout = { consul: await open(), connect: open, keys: new RolloutKeys(file.prefix), file, environment }
  return async (ctx: Context): Promise<Metric[]> => {
    const [fleet, gates] = await Promise.all([readFleet(ctx, rollout), readFleetGates(ctx, rollout)])
    return fleetMetrics(fleetStatus(file, rollout.keys, fleet, gates))
  }
}
