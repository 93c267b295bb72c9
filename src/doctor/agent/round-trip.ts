import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import type { Consul } from '../../consul/consul.ts'
import { RENEW_ATTEMPT_MS, type Timing } from '../../lock/lease-timing.ts'
import { breaks, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { ASKING_MS } from '../inspection-timeouts.ts'

/** So many reads, and no new one after so long. */
const READS = 15
const READING_MS = 3000
/** Beyond these parts of what one try of a renewal may take, a busier hour may be too slow. */
const UNEASY = { median: 1 / 8, most: 1 / 2 }

/** How long the leader takes to answer, beside what a renewal may take. */
export const roundTripInspection: Inspection = {
  code: 'CL107',
  topic: 'Consul',
  title: 'round trip',
  needs: ['CL105'],
  asksConsul: true,
  look: async (ctx, { consul, timing }) => judgeRoundTrip(await roundTrips(ctx, consul), timing),
}

/** Times of consistent reads, which the leader answers as it answers renewals. */
async function roundTrips(ctx: Context, consul: Consul): Promise<number[]> {
  const times: number[] = []
  const beganAt = ctx.clock.now()
  while (times.length < READS && ctx.clock.since(beganAt) < READING_MS) {
    const sentAt = ctx.clock.now()
    await consul.exchange(ctx, {
      method: 'GET',
      path: '/v1/kv/consul-locker',
      query: { consistent: true },
      timeoutMs: ASKING_MS,
      needs: '',
    })
    times.push(ctx.clock.since(sentAt))
  }
  return times
}

/** `times` in milliseconds, one at least. */
export function judgeRoundTrip(
  times: readonly number[],
  { ttlMs, renewMs }: Pick<Timing, 'ttlMs' | 'renewMs'>,
): Diagnosis {
  const sorted = times.toSorted((one, other) => one - other)
  const medianMs = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  const mostMs = sorted.at(-1) ?? 0
  const leftMs = ttlMs - renewMs
  const attemptMs = Math.min(RENEW_ATTEMPT_MS, leftMs)
  const shown = `${times.length} reads took ${formatDuration(medianMs)}, ${formatDuration(mostMs)} at most`
  const said = `${shown}; a renewal has ${formatDuration(leftMs)}`
  const cure = 'look at the load and the disks of the servers, and at the way there; a longer --ttl leaves more time'
  // One late try is made up for by the next.
  if (medianMs >= attemptMs || mostMs >= leftMs) return breaks(said, cure)
  const isUneasy = medianMs > attemptMs * UNEASY.median || mostMs > attemptMs * UNEASY.most
  return isUneasy ? warning(said, cure) : fine(said)
}
