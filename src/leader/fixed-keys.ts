import type { LeaderFile } from './leader-file.ts'

/**
 * What a running agent can't take over: what others rely on, or the safety of the lock. Every key of the file stands
 * here, so that none is left out when its agent reads the file again.
 */
const IS_FIXED: Readonly<Record<keyof LeaderFile, boolean>> = {
  name: true,
  port: true,
  address: true,
  application: true,
  mysql: true,
  postgres: true,
  redis: false,
  api: true,
  check_interval: true,
  lock_key: true,
  ttl: true,
  lock_delay: true,
  consul: true,
  health: false,
  ensure_master: false,
  ensure_slave: false,
  stand_by: false,
  reinit: false,
  demote: false,
  fence: false,
  ready_to_lead: false,
  on_change: false,
  module: false,
  interval: false,
  timeouts: false,
  tags: false,
  priority: false,
  nofailover: false,
  watchdog: true,
  max_lag: false,
  min_leader_time: false,
  max_failovers_per_hour: false,
}

/** Those on which the lock-delay rests. */
const FIXED_TIMEOUTS = ['demote', 'fence'] as const
/** Those that say which Redis it is. */
const FIXED_OF_REDIS = ['host', 'socket'] as const

/** The keys that have changed, and need a restart. */
export function changedFixedKeys(before: LeaderFile, after: LeaderFile): string[] {
  const text = (value: unknown) => JSON.stringify(value)
  const keys = Object.keys(IS_FIXED) as (keyof LeaderFile)[]
  const changed = keys.filter((key) => IS_FIXED[key] && text(before[key]) !== text(after[key]))
  const timeouts = FIXED_TIMEOUTS.filter((key) => before.timeouts[key] !== after.timeouts[key])
  const redis = FIXED_OF_REDIS.filter((key) => before.redis?.[key] !== after.redis?.[key])
  return [...changed, ...timeouts.map((key) => `timeouts.${key}`), ...redis.map((key) => `redis.${key}`)]
}
