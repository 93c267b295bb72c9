import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { prometheusText } from '../../../base/prometheus.ts'
import { Retry } from '../../../consul/retry.ts'
import { readFleetGates } from '../../../rollout/fleet-gates.ts'
import { fleetMetrics } from '../../../rollout/fleet-metrics.ts'
import { fleetScreen } from '../../../rollout/fleet-screen.ts'
import { type FleetStatus, fleetStatus, isDone, isStopped } from '../../../rollout/fleet-status.ts'
import { readFleet } from '../../../rollout/fleet-view.ts'
import type { HostRollout } from '../../../rollout/host-rollout.ts'
import { EXIT } from '../../exit-codes.ts'
import { print, printLines, printText } from '../../output/print.ts'
import type { RolloutRequest } from './rollout-request.ts'

const LOOK_MS = 2000
/** Clears the screen, and begins at its top. */
const CLEAR = '\x1b[2J\x1b[H'

/** `rollout status`: how far it is. Settles with 0 when all hosts run the version, with 1 while they don't. */
export async function rolloutStatus({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const { json, watch, prometheus } = options
  if (!watch) {
    const status = await statusNow(ctx, rollout)
    if (prometheus) printText(prometheusText(fleetMetrics(status)))
    else if (json) print(JSON.stringify(status))
    else printLines(fleetScreen(status, process.stdout.isTTY))
    return isDone(status) ? EXIT.done : EXIT.no
  }
  let shown = ''
  const retry = new Retry(rollout.consul)
  for (;;) {
    const status = await retry.until(ctx, () => statusNow(ctx, rollout))
    const isScreen = process.stdout.isTTY && !json
    const text = json ? JSON.stringify(status) : fleetScreen(status, isScreen).join('\n')
    if (isScreen) printText(CLEAR)
    if (isScreen || text !== shown) printLines(text.split('\n'))
    shown = text
    if (isDone(status)) return EXIT.done
    if (options['exit-on-failure'] && isStopped(status)) return EXIT.no
    await sleep(ctx, LOOK_MS)
  }
}

async function statusNow(ctx: Context, rollout: HostRollout): Promise<FleetStatus> {
  const [fleet, gates] = await Promise.all([readFleet(ctx, rollout), readFleetGates(ctx, rollout)])
  return fleetStatus(rollout.file, rollout.keys, fleet, gates)
}
