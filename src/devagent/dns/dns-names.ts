import { isIP } from 'node:net'
import { DATACENTER } from '../catalog/member.ts'

/** What a name of DNS asks for. */
export type DnsSubject =
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'service'; readonly name: string; readonly tag: string | undefined }
  | { readonly kind: 'address'; readonly address: string }

const DOMAIN = 'consul'

/**
 * Reads a name as Consul does (agent/dns.go, dispatch): `db.service.consul`, `master.db.service.dc1.consul`,
 * `_db._master.service.consul`, `web1.node.consul`, `0a000009.addr.dc1.consul`. `'elsewhere'` for one that is in none
 * of our domains; `undefined` for one that names nothing.
 */
export function parseName(name: string): DnsSubject | 'elsewhere' | undefined {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.')
  if (labels.pop() !== DOMAIN) return 'elsewhere'
  if (isKind(labels.at(-2)) && labels.at(-1) === DATACENTER) labels.pop()
  const kind = labels.pop()
  if (kind === 'service' && labels.length > 0) return serviceIn(labels)
  if (kind === 'node' && labels.length > 0) return { kind, name: labels.join('.') }
  const address = kind === 'addr' && labels.length === 1 ? addressOf(labels[0] ?? '') : undefined
  return address === undefined ? undefined : { kind: 'address', address }
}

/** The name of an address: hexadecimal digits of it. */
export function nameOfAddress(address: string): string {
  const digits = isIP(address) === 4 ? address.split('.').map((part) => hex(Number(part), 2)) : groups(address)
  return `${digits.join('')}.addr.${DATACENTER}.${DOMAIN}`
}

export function nameOfNode(node: string): string {
  return `${node}.node.${DATACENTER}.${DOMAIN}`
}

function isKind(label: string | undefined): boolean {
  return label === 'service' || label === 'node' || label === 'addr'
}

/** RFC 2782 has the service first: `_db._tcp.service.consul`, where `tcp` is any tag. */
function serviceIn(labels: readonly string[]): DnsSubject {
  const [first = '', second] = labels
  if (labels.length === 2 && first.startsWith('_') && second?.startsWith('_')) {
    const tag = second.slice(1)
    return { kind: 'service', name: first.slice(1), tag: tag === 'tcp' ? undefined : tag }
  }
  return {
    kind: 'service',
    name: labels.at(-1) ?? '',
    tag: labels.length > 1 ? labels.slice(0, -1).join('.') : undefined,
  }
}

function addressOf(digits: string): string | undefined {
  const bytes = /^(?:[0-9a-f]{8}|[0-9a-f]{32})$/.test(digits) ? (digits.match(/../g) ?? []) : []
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return bytes.length === 16 ? digits.match(/..../g)?.join(':') : undefined
}

function groups(address: string): string[] {
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0')
  return [...head, ...zeros, ...tail].map((group) => group.padStart(4, '0'))
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}
