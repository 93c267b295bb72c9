import type { Counts, View } from './view.ts'

const HELP: Record<keyof Counts, string> = {
  promotions: 'Times that this application has become master',
  demotions: 'Times that it was demoted',
  fencings: 'Times that it was fenced because it could not be demoted',
  lost: 'Times that the lock left us',
  failedCalls: 'Calls of the application that failed',
  unhealthy: 'Times that the application has become unhealthy',
}

const ROLES = ['master', 'slave', 'unhealthy', 'disabled'] as const

/** An agent's state for Prometheus. */
export async function expose(view: View): Promise<{ text: string; type: string }> {
  const { default: prometheus } = await import('prom-client')
  const { Counter, Gauge, Registry } = prometheus
  const registry = new Registry()
  registry.setDefaultLabels({ name: view.name })
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `consul_locker_leader_${name}`, help, registers: [registry] }).set(value)
  gauge('healthy', 'Whether the application is healthy', Number(view.healthy))
  gauge('candidate', 'Whether it may become master', Number(view.candidate))
  gauge('lock_held', 'Whether we hold the lock', Number(view.lock === 'held'))
  gauge('lease_left_seconds', 'How long the lock is ours without another renewal', (view.leaseLeftMs ?? 0) / 1000)
  gauge('frozen', 'Whether too many failovers have stopped them', Number(view.switches.frozen))
  gauge('maintenance', 'Whether nobody is promoted or demoted', Number(view.switches.maintenance))
  gauge('stuck', 'Whether it can be neither demoted nor fenced', Number(view.stuck))
  const role = new Gauge({
    name: 'consul_locker_leader_role',
    help: 'The role, as its tag says: 1 for the one that it has',
    labelNames: ['role'],
    registers: [registry],
  })
  for (const one of ROLES) role.set({ role: one }, Number(one === view.role))
  for (const [key, help] of Object.entries(HELP)) {
    const name = `consul_locker_leader_${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`
    new Counter({ name, help, registers: [registry] }).inc(view.counts[key as keyof Counts])
  }
  return { text: await registry.metrics(), type: registry.contentType }
}
