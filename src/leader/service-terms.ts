import type { Timing } from '../lock/deadline.ts'
import type { LeaderFile } from './leader-file.ts'
import type { ServiceTerms } from './registration.ts'

/** How an application's service is registered. */
export function serviceTerms(file: LeaderFile, timing: Timing): ServiceTerms {
  const { name, address, port, tags, priority, api, check_interval } = file
  return { name, address, port, tags, priority, api, checkIntervalMs: check_interval, handoverMs: timing.graceMs }
}
