import { MARGIN_MS, type Timing } from '../lock/deadline.ts'
import type { LeaderFile } from './leader-file.ts'
import type { ServiceTerms } from './service-definition.ts'

/** How the agent of this id registers its application's service. */
export function serviceTerms(file: LeaderFile, timing: Timing, agent: string): ServiceTerms {
  const { name, address, port, tags, priority, api, check_interval } = file
  // By then the guardian of a stopped agent has demoted, and the session has ended by its own TTL.
  const silenceMs = timing.ttlMs + timing.graceMs + MARGIN_MS
  return { name, address, port, tags, priority, api, agent, checkIntervalMs: check_interval, silenceMs }
}
