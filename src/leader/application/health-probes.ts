import type { Context } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import { parseHostPort } from '../../base/host-port.ts'
import { probePort as probeOnce } from '../../probe/port-probe.ts'
import type { ProbeResult } from '../../probe/probe-result.ts'
import { probeUrl as askOnce } from '../../probe/url-probe.ts'
import type { HealthReport } from './application.ts'

const LOOK = { keptBytes: 4096 }
/** Of `probe-result.ts`. */
const REFUSED = 'connection refused'

/** Healthy when the URL answers with 2xx in time; the message is the body's beginning. Never rejects. */
export function urlHealth(ctx: Context, url: string, timeoutMs: number): Promise<HealthReport> {
  return reported(url, async () => askOnce(ctx, new URL(url), timeoutMs, LOOK))
}

/** Healthy when something takes connections there. Never rejects. */
export function portHealth(ctx: Context, address: string, timeoutMs: number): Promise<HealthReport> {
  return reported(address, async () => {
    const at = parseHostPort(address)
    return at ? probeOnce(ctx, at, timeoutMs) : { healthy: false, why: 'it is no address', output: '' }
  })
}

/** Neither a bad address nor an interruption is more than a report. */
async function reported(what: string, look: () => Promise<ProbeResult>): Promise<HealthReport> {
  try {
    const { healthy, why, output: said } = await look()
    const message = said || `${what}: ${why}`
    // Nobody listens, which no application that runs forgets to do.
    return why === REFUSED ? { healthy, message, role: 'stopped' } : { healthy, message }
  } catch (thrown) {
    return { healthy: false, message: `${what}: ${messageOf(thrown)}` }
  }
}
