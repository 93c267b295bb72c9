import { isIP, SocketAddress } from 'node:net'
import * as v from 'valibot'
import { Failure } from '../base/failure.ts'
import { hostPortText, parseHostPort } from '../base/host-port.ts'

/** The servers that were published under a token, `ip:port` each, and when each is forgotten: the wall clock, in ms. */
export type TokenList = ReadonlyMap<string, number>

/** What is kept of a token. */
export interface TokenRecord {
  readonly servers: TokenList
  /** Since when there has been no server: the wall clock, in ms. `undefined` while there are some, or nobody knows. */
  readonly idleSinceMs: number | undefined
}

/** One server that was published. */
export interface PublishedServer {
  readonly ip: string
  readonly port: number
}

/** So many servers may stand under a token: those of a cluster about to be born, not a fleet's. */
export const MAX_SERVERS = 16
/** Nothing that is published counts for longer, whatever stands in Consul. */
export const LONGEST_EXPIRY_MS = 7 * 24 * 3_600_000

/** The servers that still count. */
export function unexpired(list: TokenList, nowMs: number): TokenList {
  return new Map([...list].filter(([, untilMs]) => untilMs > nowMs && untilMs <= nowMs + LONGEST_EXPIRY_MS))
}

/** The list with these servers in it for so long; the others stay as they are. Throws a `precondition` failure. */
export function withServers(list: TokenList, servers: readonly string[], untilMs: number): TokenList {
  const all = new Map([...list, ...servers.map((server) => [server, untilMs] as const)])
  if (all.size <= MAX_SERVERS) return all
  throw new Failure('precondition', `that would be ${all.size} servers under one token; ${MAX_SERVERS} are the most`)
}

/** What is kept of a token with this list from now on. */
export function newTokenRecord(servers: TokenList, before: TokenRecord | undefined, nowMs: number): TokenRecord {
  const idleSinceMs = servers.size === 0 ? (before?.idleSinceMs ?? nowMs) : undefined
  return { servers, idleSinceMs }
}

const RECORD = v.object({ servers: v.record(v.string(), v.unknown()), idleSince: v.optional(v.number()) })

/**
 * Reads what is kept at a token's key; what is no server in it doesn't count. Throws a `malformed` failure when it is
 * anything else.
 */
export function parseTokenRecord(key: string, value: string): TokenRecord {
  try {
    const { servers, idleSince: idleSinceMs } = v.parse(RECORD, JSON.parse(value))
    const entries = Object.entries(servers).flatMap(([text, untilMs]) => {
      const server = parseServer(text)
      return server && typeof untilMs === 'number' ? [[serverText(server), untilMs] as const] : []
    })
    return { servers: new Map(entries.slice(0, MAX_SERVERS)), idleSinceMs }
  } catch {
    throw new Failure('malformed', `what stands at the key ${key} is no list of servers`, {
      hint: `delete it: consul kv delete ${key}`,
    })
  }
}

/** What is kept at a token's key. */
export function tokenRecordText({ servers, idleSinceMs }: TokenRecord): string {
  return JSON.stringify({ servers: Object.fromEntries(servers), idleSince: idleSinceMs })
}

/** Reads the body of a publication: a JSON list of `ip:port`. Throws a `usage` failure. */
export function parsePublication(body: string): string[] {
  const servers = parseJson(body)
  if (!Array.isArray(servers)) throw new Failure('usage', 'the body is not a JSON list', { hint: EXAMPLE })
  return servers.map((server) => canonicalServer(server))
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
export function canonicalServer(server: unknown): string {
  const parsed = typeof server === 'string' ? parseServer(server) : undefined
  if (parsed) return serverText(parsed)
  const shown = JSON.stringify(server).slice(0, 60)
  throw new Failure('usage', `${shown} is no server`, { hint: "a machine's IP address and a port, as 10.0.0.1:8300" })
}

function serverText({ ip, port }: PublishedServer): string {
  return hostPortText({ host: ip, port })
}

/** Reads `10.0.0.1:8300` or `[fd00::1]:8300`; `undefined` when it is neither, or no machine's. */
export function parseServer(text: string): PublishedServer | undefined {
  const address = parseHostPort(text)
  if (!address || address.port === 0 || isIP(address.host) === 0) return undefined
  const ip = canonicalIp(address.host)
  return NO_MACHINE.test(ip) ? undefined : { ip, port: address.port }
}

/**
 * No machine has 0.0.0.0, a multicast or a broadcast address; Consul refuses some, and a zone means nothing elsewhere.
 */
const NO_MACHINE = /^(0\.|22[4-9]\.|2[3-5]\d\.|::$|ff[0-9a-f]{2}:|.*%)/

/** IPv6 has many ways to write one address, and one of them is an IPv4 address. */
function canonicalIp(host: string): string {
  if (isIP(host) === 4 || host.includes('%')) return host
  return new SocketAddress({ address: host, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '')
}
