import { type FleetStatus, STANDS } from './fleet.ts'

/** A rollout's status for Prometheus. */
export async function fleetMetrics({ version = '', forced, hosts }: FleetStatus): Promise<string> {
  const { default: prometheus } = await import('prom-client')
  const { Gauge, Registry } = prometheus
  const registry = new Registry()
  const registers = [registry]
  const prefix = 'consul_locker_rollout'
  new Gauge({ name: `${prefix}_forced`, help: 'Whether it was triggered by force', registers }).set(Number(forced))
  const target = new Gauge({
    name: `${prefix}_target`,
    help: 'The version that all hosts shall run',
    labelNames: ['version'],
    registers,
  })
  target.set({ version }, 1)
  const gauge = new Gauge({
    name: `${prefix}_hosts`,
    help: 'How many hosts of a role stand where',
    labelNames: ['role', 'stand'],
    registers,
  })
  for (const role of new Set(hosts.map((host) => host.role))) {
    for (const stand of STANDS) {
      gauge.set({ role, stand }, hosts.filter((host) => host.role === role && host.stand === stand).length)
    }
  }
  return registry.metrics()
}
