import { isIP } from 'node:net'
import { Failure } from '../base/failure.ts'
import { hostPortText, parseHostPort } from '../base/host-port.ts'

/** The servers that were published under a token, `ip:port` each, and when each is forgotten: the wall clock, in ms. */
export type TokenList = ReadonlyMap<string, number>

/** One server that was published. */
export interface PublishedServer {
  readonly ip: string
  readonly port: number
}

/** So many servers may stand under a token; a cluster's, not a fleet's. */
export const MAX_SERVERS = 256

/** The servers that still count. */
export function living(list: TokenList, nowMs: number): TokenList {
  return new Map([...list].filter(([, untilMs]) => untilMs > nowMs))
}

/** The list with these servers in it for so long; the others stay as they are. Throws a `declined` failure. */
export function merged(list: TokenList, servers: readonly string[], untilMs: number): TokenList {
  const all = new Map([...list, ...servers.map((server) => [server, untilMs] as const)])
  if (all.size <= MAX_SERVERS) return all
  throw new Failure('declined', `that would be ${all.size} servers under one token; ${MAX_SERVERS} are the most`)
}

/** Reads what is kept at a token's key. Throws a `declined` failure when it is anything else. */
export function parseList(key: string, value: string): TokenList {
  try {
    const { servers } = JSON.parse(value) as { servers: Record<string, number> }
    const entries = Object.entries(servers)
    const isEntry = ([server, untilMs]: [string, unknown]) => parseServer(server) && typeof untilMs === 'number'
    if (entries.every(isEntry)) return new Map(entries)
  } catch {
    // Told below.
  }
  throw new Failure('declined', `what stands at the key ${key} is no list of servers`, {
    hint: `delete it: consul kv delete ${key}`,
  })
}

/** What is kept at a token's key. */
export function listText(list: TokenList): string {
  return JSON.stringify({ servers: Object.fromEntries(list) })
}

/** Reads the body of a publication: a JSON list of `ip:port`. Throws a `usage` failure. */
export function parsePublication(body: string): string[] {
  const servers = parseJson(body)
  if (!Array.isArray(servers)) throw new Failure('usage', 'the body is not a JSON list', { hint: EXAMPLE })
  return servers.map((server) => canonical(server))
}

const EXAMPLE = 'as in ["10.0.0.1:8300"]'

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Failure('usage', 'the body is not JSON', { hint: EXAMPLE })
  }
}

/** One form for each server: two would be two servers. Throws a `usage` failure. */
export function canonical(server: unknown): string {
  const parsed = typeof server === 'string' ? parseServer(server) : undefined
  if (parsed) return hostPortText({ host: parsed.ip, port: parsed.port })
  const shown = JSON.stringify(server).slice(0, 60)
  throw new Failure('usage', `${shown} is no server`, { hint: 'an IP address and a port, as 10.0.0.1:8300' })
}

/** Reads `10.0.0.1:8300` or `[fd00::1]:8300`; `undefined` when it is neither. */
export function parseServer(text: string): PublishedServer | undefined {
  const address = parseHostPort(text)
  if (!address || address.port === 0 || isIP(address.host) === 0) return undefined
  return { ip: address.host.toLowerCase(), port: address.port }
}
