import { gauge, type Metric, type Sample } from '../base/prometheus.ts'
import { type FleetStatus, HOST_STATES, WAITS } from './fleet-status.ts'

const PREFIX = 'consul_locker_rollout'

/** A rollout's status for Prometheus. */
export function fleetMetrics({ version = '', forced, slots, hosts }: FleetStatus): Metric[] {
  const roles = [...new Set(hosts.map((host) => host.role))]
  const of = (role: string) => hosts.filter((host) => host.role === role)
  const atWork = hosts.filter(({ forMs }) => forMs !== undefined)
  const perRole = (samples: (role: string) => Sample[]) => roles.flatMap(samples)
  return [
    gauge(`${PREFIX}_forced`, 'Whether it was triggered by force', [{ value: Number(forced) }]),
    gauge(`${PREFIX}_target`, 'The version that all hosts shall run', [{ labels: { version }, value: 1 }]),
    gauge(
      `${PREFIX}_hosts`,
      'How many hosts of a role are in a state',
      perRole((role) =>
        HOST_STATES.map((state) => ({
          labels: { role, state },
          value: of(role).filter((host) => host.state === state).length,
        })),
      ),
    ),
    gauge(
      `${PREFIX}_waiting`,
      'How many hosts of a role wait, and for what',
      perRole((role) =>
        WAITS.map((what) => ({
          labels: { role, for: what },
          value: of(role).filter(({ waitsFor }) => waitsFor === what).length,
        })),
      ),
    ),
    gauge(
      `${PREFIX}_work_seconds`,
      'How long a host has been upgrading or rebooting',
      atWork.map(({ host, forMs = 0 }) => ({ labels: { host }, value: forMs / 1000 })),
    ),
    gauge(
      `${PREFIX}_slots`,
      'How many hosts may upgrade at a time, of all and of a role',
      slots.map(({ role = '', limit }) => ({ labels: { role }, value: limit })),
    ),
    gauge(
      `${PREFIX}_slots_taken`,
      'How many of these slots are taken',
      slots.map(({ role = '', takenBy }) => ({ labels: { role }, value: takenBy.length })),
    ),
  ]
}
