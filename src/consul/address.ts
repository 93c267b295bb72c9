import { Failure } from '../base/failure.ts'

/** Where an agent listens. */
export interface Address {
  /** For people: as it was given, without password. */
  readonly text: string
  /** `http://host:port` or `https://host:port`; for a socket only the scheme means anything. */
  readonly origin: string
  readonly socketPath: string | undefined
  /** Put before every path; empty, or begins with a slash and ends without one. */
  readonly pathPrefix: string
  readonly secure: boolean
  /** Whether what goes there stays on this machine. */
  readonly isLocal: boolean
}

/**
 * Reads an agent's address as `consul` does: `host:port`, `http://…`, `https://…` (both with an optional path) or
 * `unix:///path`. An https scheme forces TLS; `secure` (CONSUL_HTTP_SSL) does so for the others. Without a port it is
 * the scheme's own, 80 or 443.
 * Throws a `usage` failure when it is no address; `source` is what the sentence calls the one who gave it.
 */
export function parseAddress(text: string, secure: boolean, source = ''): Address {
  if (text.startsWith('unix://')) return socketAddress(text, source)
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  const scheme = url?.protocol
  // URL takes the first part of a path for the host when there is none.
  if (!url?.hostname || !/^https?:\/\/[^/]/i.test(full)) throw notAnAddress(text, source)
  if (url.username || url.password || url.search || url.hash) throw notAnAddress(text, source)
  const https = secure || scheme === 'https:'
  const port = url.port || explicitPort(full) || (https ? '443' : '80')
  return {
    text,
    origin: `${https ? 'https' : 'http'}://${url.hostname}:${port}`,
    socketPath: undefined,
    pathPrefix: url.pathname.replace(/\/+$/, ''),
    secure: https,
    isLocal: isLoopback(url.hostname),
  }
}

/** What is unwise about an agent at this address, for the log. */
export function risksOf({ text, secure, isLocal }: Address, hasToken: boolean, isVerified: boolean): string[] {
  if (secure) {
    return isVerified ? [] : [`CONSUL_HTTP_SSL_VERIFY is off: whoever answers at ${text} is taken for Consul`]
  }
  if (!hasToken || isLocal) return []
  return [`the token goes to ${text} in clear, for all on the way to read; use https://, or an agent on this machine`]
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
}

/** URL drops a port that is its scheme's default, but CONSUL_HTTP_SSL can change the scheme. */
function explicitPort(text: string): string | undefined {
  return /^https?:\/\/[^/]*:(\d+)(?:\/|$)/i.exec(text)?.[1]
}

function socketAddress(text: string, source: string): Address {
  const socketPath = text.slice('unix://'.length)
  if (!socketPath.startsWith('/')) throw notAnAddress(text, source)
  return { text, origin: 'http://localhost', socketPath, pathPrefix: '', secure: false, isLocal: true }
}

function notAnAddress(text: string, source: string): Failure {
  const shown = text.replace(/[^/@]*@/, '***@')
  return new Failure('usage', `${source} ${JSON.stringify(shown)} is not the address of a Consul agent`.trimStart(), {
    hint: text.includes('@')
      ? 'user and password belong into CONSUL_HTTP_AUTH'
      : 'write it as 127.0.0.1:8500, https://consul.example:8501 or unix:///run/consul.sock',
  })
}
