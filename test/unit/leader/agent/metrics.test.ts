import { expect, test } from 'vitest'
import type { AgentStatus } from '../../../../src/leader/agent/agent-status.ts'
import { agentMetrics } from '../../../../src/leader/agent/metrics.ts'

const STATUS: AgentStatus = {
  name: 'redis',
  node: 'n1',
  role: 'master',
  healthy: true,
  message: 'PONG',
  candidate: false,
  doubt: undefined,
  alive: true,
  lagMs: 1500,
  lock: 'held',
  application: 'master',
  call: undefined,
  following: undefined,
  master: undefined,
  since: '2026-01-01T00:00:00.000Z',
  fence: 12,
  leaseLeftMs: 7500,
  switches: { disabled: false, maintenance: true, frozen: false },
  stuck: false,
  counts: { promotions: 3, demotions: 2, fencings: 0, lost: 1, failedCalls: 4, unhealthy: 5 },
}

test('Prometheus learns what an agent is, and what has happened to it', () => {
  const samples = agentMetrics(STATUS)
    .split('\n')
    .filter((line) => line.startsWith('consul_locker_leader_'))
    .map((line) => line.slice('consul_locker_leader_'.length).replace('{name="redis"}', ''))
  expect(samples).toEqual([
    'healthy 1',
    'candidate 0',
    'lock_held 1',
    'lease_left_seconds 7.5',
    'lag_seconds 1.5',
    'frozen 0',
    'maintenance 1',
    'stuck 0',
    'role{role="master",name="redis"} 1',
    'role{role="slave",name="redis"} 0',
    'role{role="stale",name="redis"} 0',
    'role{role="unknown",name="redis"} 0',
    'role{role="unhealthy",name="redis"} 0',
    'role{role="disabled",name="redis"} 0',
    'promotions_total 3',
    'demotions_total 2',
    'fencings_total 0',
    'lost_total 1',
    'failed_calls_total 4',
    'unhealthy_total 5',
  ])
})
