import { type Metric, prometheusText } from '../../base/prometheus.ts'
import { ROLE_TAGS } from '../machine/role-tag.ts'
import type { AgentCounts, AgentStatus } from './agent-status.ts'

const COUNTERS: Record<keyof AgentCounts, string> = {
  promotions: 'Times that this application has become master',
  demotions: 'Times that it was demoted',
  fencings: 'Times that it was fenced because it could not be demoted',
  lost: 'Times that the lock left us',
  failedCalls: 'Calls of the application that failed',
  unhealthy: 'Times that the application has become unhealthy',
}

const PREFIX = 'consul_locker_leader'

/** An agent's state for Prometheus. */
export function agentMetrics(status: AgentStatus): string {
  const { name, switches, counts, lagMs, lag } = status
  const gauge = (suffix: string, help: string, value: number): Metric => ({
    name: `${PREFIX}_${suffix}`,
    type: 'gauge',
    help,
    samples: [{ labels: { name }, value }],
  })
  return prometheusText([
    gauge('healthy', 'Whether the application is healthy', Number(status.healthy)),
    gauge('candidate', 'Whether it may become master', Number(status.candidate)),
    gauge('lock_held', 'Whether we hold the lock', Number(status.lock === 'held')),
    gauge('lease_left_seconds', 'How long the lock is ours without another renewal', (status.leaseLeftMs ?? 0) / 1000),
    ...(lagMs === undefined ? [] : [gauge('lag_seconds', 'How old what it has applied is', lagMs / 1000)]),
    ...(lag === undefined
      ? []
      : [gauge('lag_positions', "How much of the master's it lacks, in its own measure", lag)]),
    gauge('frozen', 'Whether a failover waits, since there were too many', Number(switches.frozen)),
    gauge('maintenance', 'Whether nobody is promoted or demoted', Number(switches.maintenance)),
    gauge('stuck', 'Whether it can be neither demoted nor fenced', Number(status.stuck)),
    {
      name: `${PREFIX}_role`,
      type: 'gauge',
      help: 'The role, as its tag says: 1 for the one that it has',
      samples: ROLE_TAGS.map((role) => ({ labels: { role, name }, value: Number(role === status.role) })),
    },
    ...Object.entries(COUNTERS).map(
      ([key, help]): Metric => ({
        name: `${PREFIX}_${snakeCase(key)}_total`,
        type: 'counter',
        help,
        samples: [{ labels: { name }, value: counts[key as keyof AgentCounts] }],
      }),
    ),
  ])
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
