import type { HealthReport } from '../application.ts'
import { placeName } from './redis-options.ts'
import type { RedisState } from './redis-state.ts'

/** A master without a leader; nobody serves there, so it takes no writes and gives nobody its data. */
export const NOWHERE = ['127.0.0.1', '1'] as const

/** What the state of a Redis says about its health, in the role that it should have. */
export function redisHealth(state: RedisState, role: 'master' | 'slave'): HealthReport {
  const { loading, unsaved, replicas, following } = state
  const really = state.open ? 'master' : 'slave'
  const unhealthy = (message: string): HealthReport => ({ healthy: false, message, role: really })
  if (loading) return unhealthy('Redis loads its data')
  if (unsaved !== undefined) return unhealthy(`Redis can't save: ${unsaved}`)
  if (role === 'master' && state.role === 'slave') return unhealthy('Redis has restarted, and is no master any more')
  const healthy = (message: string): HealthReport => ({ healthy: true, message, role: really })
  if (!following) {
    const online = replicas.filter((replica) => replica.online).length
    return healthy(state.open ? `Redis operating as master with ${online} replicas` : 'Redis takes no writes')
  }
  const { host, port, connected, lagMs } = following
  if (port === Number(NOWHERE[1])) return healthy('Redis waits for its role')
  return {
    ...healthy(`Redis operating as replica of ${placeName({ host, port })}, link ${connected ? 'up' : 'down'}`),
    lagMs,
  }
}
