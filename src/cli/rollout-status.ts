import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { look } from '../rollout/facts.ts'
import { type FleetStatus, fleetStatus } from '../rollout/fleet.ts'
import { fleetScreen } from '../rollout/fleet-screen.ts'
import type { Site } from '../rollout/site.ts'
import { print, printLines, printText } from './print.ts'
import type { Question } from './rollout-question.ts'

const NOT_YET = 1
const LOOK_MS = 2000
/** Clears the screen, and begins at its top. */
const CLEAR = '\x1b[2J\x1b[H'

/** `rollout status`: how far it is. Settles with 0 when all hosts run the version, with 1 while they don't. */
export async function rolloutStatus({ ctx, site, options }: Question): Promise<number> {
  const { json, watch, prometheus } = options
  if (watch && prometheus) throw new Failure('usage', 'either --watch or --prometheus, not both')
  if (!watch) {
    const status = await statusNow(ctx, site)
    if (prometheus) printText(await (await import('../rollout/fleet-metrics.ts')).fleetMetrics(status))
    else if (json) print(JSON.stringify(status))
    else printLines(fleetScreen(status, false))
    return isDone(status) ? 0 : NOT_YET
  }
  let shown = ''
  for (;;) {
    const status = await statusNow(ctx, site)
    const isScreen = process.stdout.isTTY && !json
    const text = json ? JSON.stringify(status) : fleetScreen(status, isScreen).join('\n')
    if (isScreen) printText(CLEAR)
    if (isScreen || text !== shown) printLines(text.split('\n'))
    shown = text
    if (isDone(status)) return 0
    await sleep(ctx, LOOK_MS)
  }
}

async function statusNow(ctx: Context, site: Site): Promise<FleetStatus> {
  return fleetStatus(site.file, await look(ctx, site), ctx.clock.now().wallMs)
}

function isDone({ version, hosts }: FleetStatus): boolean {
  return version !== undefined && hosts.every(({ stand }) => stand === 'done')
}
