import { printable } from '../base/printable.ts'
import type { Health } from '../consul/health.ts'
import type { ServiceState, ServiceStatus } from './local-services.ts'

/** A node of the cluster with its service's health. */
export interface NodeStatus {
  readonly node: string
  readonly health: Health
  /** It passes only by its noop lockfile. */
  readonly noop?: true
  /** Consul has it in maintenance, which its health leaves out. */
  readonly maintenance?: true
}

/** All that `status` tells. */
export interface InitStatus {
  readonly name: string
  /** `undefined` when Consul doesn't tell. */
  readonly cluster: { readonly active: readonly NodeStatus[]; readonly standby: readonly NodeStatus[] } | undefined
  readonly local: readonly ServiceStatus[]
  /** What is wrong besides, in sentences. */
  readonly notes?: readonly string[]
}

/** Makes text stand out where that is possible. */
export interface Paint {
  bold(text: string): string
  good(text: string): string
  bad(text: string): string
}

export const NO_PAINT: Paint = { bold: (text) => text, good: (text) => text, bad: (text) => text }

export const TERMINAL_PAINT: Paint = {
  bold: (text) => `\x1b[1m${text}\x1b[0m`,
  good: (text) => `\x1b[32m${text}\x1b[0m`,
  bad: (text) => `\x1b[31m${text}\x1b[0m`,
}

/** The status for people, printable, with an empty line before and behind it. */
export function statusBlock({ name, cluster, local }: InitStatus, paint: Paint): string {
  const nodes = (nodes: readonly NodeStatus[]) =>
    nodes
      .map(({ node, health, noop, maintenance }) => {
        const words = `${health}${noop ? ' only by its noop lockfile' : ''}${maintenance ? ' (in maintenance)' : ''}`
        return `${printable(node)}.${words === 'passing' ? paint.good(words) : paint.bad(words)}`
      })
      .join(', ')
  const lines = [
    '',
    paint.bold(`${printable(name)}.service:`),
    `  ${paint.bold('cluster:')}`,
    `    nodes.active: ${cluster ? nodes(cluster.active) : 'unknown'}`,
    ...(cluster?.standby.length === 0 ? [] : [`    nodes.standby: ${cluster ? nodes(cluster.standby) : 'unknown'}`]),
    `  ${paint.bold('local:')}`,
    ...local.map(({ service, state, output }) => {
      return `    service.${printable(service)}: ${state === 'running' ? paint.good(state) : paint.bad(state)}... [ ${printable(output)} ]`
    }),
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** How the services are as one: `stopped` when not all run, `unknown` also when Consul doesn't tell of the cluster. */
export function overallState({ cluster, local }: InitStatus): ServiceState {
  if (cluster === undefined || local.some(({ state }) => state === 'unknown')) return 'unknown'
  return local.every(({ state }) => state === 'running') ? 'running' : 'stopped'
}
