import { Failure } from '../base/failure.ts'
import { hostPortText } from '../base/host-port.ts'
import { printable } from '../base/printable.ts'
import type { Instance } from '../consul/instances.ts'

/** One instance as text. */
export type HostFormat = (instance: Instance) => string

const PLACEHOLDERS = ['address', 'port', 'node', 'id'] as const

type Placeholder = (typeof PLACEHOLDERS)[number]

/** `10.0.0.1`, or `10.0.0.1:9300` and `[fd00::1]:9300` with a port. */
export function addressFormat(port: number | undefined): HostFormat {
  if (port === undefined) return ({ address }) => address
  return ({ address }) => hostPortText({ host: address, port })
}

/**
 * A format as `{address}:{port}`; what it is filled with is printable. Throws a `usage` failure for a placeholder that
 * nobody fills.
 */
export function templateFormat(template: string): HostFormat {
  const hint = `the placeholders are ${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}`
  for (const [, name = ''] of template.matchAll(/\{([^}]*)\}/g)) {
    if (!isPlaceholder(name)) throw new Failure('usage', `--format has the placeholder {${name}}`, { hint })
  }
  return (instance) => template.replaceAll(/\{(\w+)\}/g, (_, name: Placeholder) => printable(String(instance[name])))
}

/** All hosts as text, each once: two instances on one address are one host when no port tells them apart. */
export function renderHosts(instances: readonly Instance[], format: HostFormat): string[] {
  return [...new Set(instances.map(format))]
}

/** What a program wants to know of each instance. */
export function hostsJson(instances: readonly Instance[]): string {
  return JSON.stringify(
    instances.map(({ address, port, node, id, tags, meta }) => ({ address, port, node, id, tags, meta })),
  )
}

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name)
}
