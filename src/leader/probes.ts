import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import { parseHostPort } from '../base/host-port.ts'
import type { Finding } from '../probe/finding.ts'
import { probePort as probeOnce } from '../probe/port-probe.ts'
import { probeUrl as askOnce } from '../probe/url-probe.ts'
import type { Report } from './application.ts'

const LOOK = { keptBytes: 4096 }

/** Healthy when the URL answers with 2xx in time; the message is the body's beginning. Never rejects. */
export function probeUrl(ctx: Context, url: string, timeoutMs: number): Promise<Report> {
  return reported(url, async () => askOnce(ctx, new URL(url), timeoutMs, LOOK))
}

/** Healthy when something takes connections there. Never rejects. */
export function probePort(ctx: Context, address: string, timeoutMs: number): Promise<Report> {
  return reported(address, async () => {
    const at = parseHostPort(address)
    return at ? probeOnce(ctx, at, timeoutMs) : { healthy: false, why: 'it is no address', said: '' }
  })
}

/** Neither a bad address nor an interruption is more than a report. */
async function reported(what: string, look: () => Promise<Finding>): Promise<Report> {
  try {
    const { healthy, why, said } = await look()
    return { healthy, message: said || `${what}: ${why}` }
  } catch (thrown) {
    return { healthy: false, message: `${what}: ${messageOf(thrown)}` }
  }
}
