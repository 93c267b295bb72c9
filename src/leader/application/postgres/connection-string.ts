import type { PostgresTarget } from './postgres-client.ts'

/** How libpq is told where to connect to; a password stands in a file of its own. */
export function connectionString({ host, port, user, passfile }: PostgresTarget, more: Record<string, string>): string {
  const secret = passfile === undefined ? {} : { passfile }
  const words = { host, port: String(port), user, ...secret, connect_timeout: '5', ...more }
  return Object.entries(words)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(' ')
}

function quoted(value: string): string {
  return /^[\w./:-]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, '\\$&')}'`
}
