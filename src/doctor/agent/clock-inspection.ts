import { formatDuration } from '../../base/duration.ts'
import { breaks, cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { QUICK_MS } from '../inspection-timeouts.ts'

/** What NTP keeps anybody below. */
const UNEASY_MS = 5000
/** With more, runs with a period refuse to run, and certificates may not be valid yet. */
const WRONG_MS = 300_000
/** A date in a header is cut to whole seconds. */
const STEP_MS = 1000

/** What the agent's clock says, by the date of its answers. */
export const clockInspection: Inspection = {
  code: 'CL108',
  topic: 'Consul',
  title: 'clock',
  needs: ['CL103'],
  asksConsul: true,
  async look(ctx, { consul }) {
    const sentMs = ctx.clock.now().wallMs
    const { headers } = await consul.exchange(ctx, {
      method: 'GET',
      path: '/v1/status/leader',
      timeoutMs: QUICK_MS,
      needs: '',
    })
    const { date } = headers
    return judgeClock(typeof date === 'string' ? Date.parse(date) : Number.NaN, sentMs, ctx.clock.now().wallMs)
  },
}

/** `dateMs` is the date of an answer to what was sent at `sentMs`, and came at `cameMs` by our clock. */
export function judgeClock(dateMs: number, sentMs: number, cameMs: number): Diagnosis {
  if (Number.isNaN(dateMs)) return cantTell('the answers have no date')
  const aheadMs = dateMs - cameMs
  const behindMs = sentMs - (dateMs + STEP_MS)
  const offMs = Math.max(aheadMs, behindMs)
  if (offMs <= UNEASY_MS) return fine("the agent's clock and ours agree")
  const said = `the agent's clock is ${formatDuration(offMs)} ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`
  const cure = 'pauses, periods and certificates go by clocks: have both machines keep time by NTP'
  return offMs > WRONG_MS ? breaks(said, cure) : warning(said, cure)
}
