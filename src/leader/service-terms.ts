import { MARGIN_MS, type Timing } from '../lock/deadline.ts'
import type { LeaderFile } from './leader-file.ts'
import type { ServiceTerms } from './service-definition.ts'

/** How an application's service is registered. */
export function serviceTerms(file: LeaderFile, timing: Timing): ServiceTerms {
  const { name, address, port, tags, priority, api, check_interval } = file
  // By then the guardian of a stopped agent has demoted, and the session has ended by its own TTL.
  const silenceMs = timing.ttlMs + timing.graceMs + MARGIN_MS
  return { name, address, port, tags, priority, api, checkIntervalMs: check_interval, silenceMs }
}
