import * as v from 'valibot'
import { formatDuration } from '../base/duration.ts'
import { oneLine } from '../base/printable.ts'
import { storedAs, storedText } from '../consul/stored-value.ts'

const LONGEST = 128

/** Who has a start-up lease; the value of its key. */
export interface LeaseRecord {
  readonly serviceId: string
  readonly host: string
  /** Since when, by the clock of that host, as an ISO date. For people only. */
  readonly since: string
  /** How long it lasts at most. */
  readonly leaseMs: number
}

/** The key of a label's start-up lease. */
export function leaseKey(label: string): string {
  return `lease/${label}`
}

/** No lease that we take lasts longer, so none is waited for longer. */
export const LONGEST_LEASE_MS = 86_400_000

const LEASE: v.GenericSchema<unknown, LeaseRecord> = v.object({
  serviceId: storedText,
  host: storedText,
  since: storedText,
  leaseMs: v.pipe(v.number(), v.minValue(1), v.maxValue(LONGEST_LEASE_MS)),
})

/** Reads the value of a lease's key; `undefined` when it is anything else. */
export function parseLease(value: string): LeaseRecord | undefined {
  return storedAs(LEASE, value)
}

/** `web-1 on node3 has had it for 12s of at most 4m` */
export function describeLease(lease: LeaseRecord | undefined, nowMs: number): string {
  if (!lease) return 'someone has it who left no name'
  const sinceMs = Date.parse(lease.since)
  const age = Number.isNaN(sinceMs) ? 'some time' : formatDuration(Math.max(0, nowMs - sinceMs))
  return `${oneLine(lease.serviceId, LONGEST)} on ${oneLine(lease.host, LONGEST)} has had it for ${age} of at most ${formatDuration(lease.leaseMs)}`
}
