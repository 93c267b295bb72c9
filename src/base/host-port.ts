import { isIP } from 'node:net'

/** An address with a port. */
export interface HostPort {
  /** A name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads `db:3306`, `10.0.0.2:3306` or `[fd00::1]:3306`, with a port from 0 to 65535; `undefined` when it is neither.
 */
export function parseHostPort(text: string): HostPort | undefined {
  const { ip6, host = ip6 ?? '', port = '' } = HOST_PORT.exec(text)?.groups ?? {}
  const isHost = ip6 === undefined ? host !== '' : isIP(ip6) === 6
  return isHost && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined
}

const HOST_PORT = /^(?:\[(?<ip6>[^\]]+)\]|(?<host>[\w.-]+)):(?<port>\d{1,5})$/

/**
 * Whether this is an IP address or a name of DNS's. Anybody may write what Consul keeps, and a dash begins an option.
 */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 || /^\w[\w.-]{0,252}$/.test(text)
}

/** `db:3306`, `[fd00::1]:3306` */
export function hostPortText({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
