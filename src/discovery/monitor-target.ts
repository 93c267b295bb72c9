import { Failure } from '../base/failure.ts'
import { hostPortText, parseHostPort } from '../base/host-port.ts'

/** What tells whether a service is healthy. */
export type MonitorTarget =
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'command'; readonly line: string }

/** Reads `--monitor-url`. Throws a `usage` failure. */
export function urlTarget(text: string): MonitorTarget {
  return { kind: 'url', url: parseHttpUrl('monitor-url', text) }
}

/** Reads an option that takes the address of a web server, such as `example`. Throws a `usage` failure. */
export function parseHttpUrl(option: string, text: string, example = 'http://127.0.0.1:9200/health'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // URL takes the first part of a path for the host when there is none.
  if (url?.hostname && /^https?:\/\/[^/]/i.test(text)) return url
  throw new Failure('usage', `--${option} ${JSON.stringify(text.slice(0, 200))} is not the address of a web server`, {
    hint: `write it as ${example} or https://…`,
  })
}

/** Reads `--monitor-tcp host:port`. Throws a `usage` failure. */
export function tcpTarget(text: string): MonitorTarget {
  const address = parseHostPort(text)
  if (address && address.port > 0) return { kind: 'tcp', ...address }
  throw new Failure('usage', `--monitor-tcp ${JSON.stringify(text.slice(0, 200))} is not an address`, {
    hint: 'write it as 127.0.0.1:5432, db.example:5432 or [::1]:5432',
  })
}

/** A target for people; without a password. */
export function targetText(target: MonitorTarget): string {
  switch (target.kind) {
    case 'url':
      return `${target.url.origin}${target.url.pathname}`
    case 'tcp':
      return hostPortText(target)
    case 'command':
      return target.line.length > 60 ? `${target.line.slice(0, 59)}…` : target.line
  }
}
