import { type Metric, prometheusText, type Sample } from '../base/prometheus.ts'
import { type FleetStatus, HOST_STATES, WAITS } from './fleet-status.ts'

const PREFIX = 'consul_locker_rollout'

/** A rollout's status for Prometheus. */
export function fleetMetrics({ version = '', forced, slots, hosts }: FleetStatus): string {
  const roles = [...new Set(hosts.map((host) => host.role))]
  const of = (role: string) => hosts.filter((host) => host.role === role)
  const atWork = hosts.filter(({ forMs }) => forMs !== undefined)
  const perRole = (samples: (role: string) => Sample[]) => roles.flatMap(samples)
  return prometheusText([
    gauge('forced', 'Whether it was triggered by force', [{ value: Number(forced) }]),
    gauge('target', 'The version that all hosts shall run', [{ labels: { version }, value: 1 }]),
    gauge(
      'hosts',
      'How many hosts of a role are in a state',
      perRole((role) =>
        HOST_STATES.map((state) => ({
          labels: { role, state },
          value: of(role).filter((host) => host.state === state).length,
        })),
      ),
    ),
    gauge(
      'waiting',
      'How many hosts of a role wait, and for what',
      perRole((role) =>
        WAITS.map((what) => ({
          labels: { role, for: what },
          value: of(role).filter(({ waitsFor }) => waitsFor === what).length,
        })),
      ),
    ),
    gauge(
      'work_seconds',
      'How long a host has been upgrading or rebooting',
      atWork.map(({ host, forMs = 0 }) => ({ labels: { host }, value: forMs / 1000 })),
    ),
    gauge(
      'slots',
      'How many hosts may upgrade at a time, of all and of a role',
      slots.map(({ role = '', limit }) => ({ labels: { role }, value: limit })),
    ),
    gauge(
      'slots_taken',
      'How many of these slots are taken',
      slots.map(({ role = '', takenBy }) => ({ labels: { role }, value: takenBy.length })),
    ),
  ])
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `${PREFIX}_${name}`, type: 'gauge', help, samples }
}
