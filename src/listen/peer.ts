import { isIPv6 } from 'node:net'

const MAPPED = /^::ffff:(?=\d+\.)/i
const LOOPBACK = /^127\.\d+\.\d+\.\d+$/
const GROUPS = 8
const NETWORK_GROUPS = 4

/**
 * What counts as one peer at the other end of a connection: an IPv4 address, or a network of which nobody has one
 * address alone: the /64 of an IPv6 address, and this machine's 127.0.0.0/8.
 */
export function peerOf(address: string): string {
  const plain = address.replace(MAPPED, '')
  if (LOOPBACK.test(plain)) return '127.0.0.0/8'
  if (!isIPv6(plain)) return plain
  const [head = [], tail = []] = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(Math.max(0, GROUPS - head.length - tail.length)).fill('0')
  const network = [...head, ...zeros, ...tail].slice(0, NETWORK_GROUPS)
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
