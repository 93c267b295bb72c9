import { isIP } from 'node:net'
import { Failure } from '../base/failure.ts'
import { type HostPort, hostPortText, parseHostPort } from '../base/host-port.ts'
import { oneLine, quoted } from '../base/printable.ts'
import type { Database } from '../probe/database-probe.ts'
import type { Condition, Gate } from './gate.ts'
import { parseUrlGate } from './url-gate-grammar.ts'

const KINDS =
  'service:db, kv:key, tcp:host:port, unix:path, postgres:db, mysql:db, redis:db, http://…, dns:name, file:path or cmd:words'
const LONGEST = 60

/** As in Consul's DNS, what stands before the last dot is a tag. */
const SERVICE = /^(?:(?<tag>[\w.-]+)\.)?(?<service>[\w-]+)(?:@(?<datacenter>[\w-]+))?(?:=(?<least>\d+))?$/
const HOST = /^[\w.-]+$/

const PARSERS: Record<string, (rest: string) => Condition> = {
  service: parseService,
  kv: parseKey,
  tcp: parseTcp,
  unix: (path) => ({ kind: 'unix', path: some(path, 'which socket?', 'unix:/run/mysqld/mysqld.sock') }),
  postgres: (rest) => parseDatabase('postgres', rest),
  mysql: (rest) => parseDatabase('mysql', rest),
  redis: (rest) => parseDatabase('redis', rest),
  http: (rest) => parseUrlGate(`http:${rest}`),
  https: (rest) => parseUrlGate(`https:${rest}`),
  dns: parseDns,
  file: (path) => ({ kind: 'file', path: some(path, 'which file?', 'file:/run/db.ready') }),
  cmd: (command) => ({ kind: 'cmd', command: some(command, 'which command?', 'cmd:pg_isready -q') }),
}

/** Reads a gate. Throws a `usage` failure that says what is wrong with it. */
export function parseGate(text: string): Gate {
  const [, not, word = '', rest = ''] = /^(!)?([a-z]+):(.*)$/is.exec(text) ?? []
  // Of these words the schemes of URLs alone are what others know in capital letters, too.
  const kind = /^https?$/i.test(word) ? word.toLowerCase() : word
  const parse = Object.hasOwn(PARSERS, kind) ? PARSERS[kind] : undefined
  if (!parse) throw new Failure('usage', `${quoted(text)} is no gate`, { hint: KINDS })
  if (text.includes('\0')) throw wrong('a gate has no NUL in it', KINDS)
  const condition = parse(rest)
  return { ...condition, isInverse: not !== undefined, text: shownOf(condition, text) } as Gate
}

function parseService(rest: string): Condition {
  const { tag, service = '', datacenter, least = '1' } = SERVICE.exec(rest)?.groups ?? {}
  const hint = 'service:NAME, service:TAG.NAME, service:NAME@DATACENTER; and =3 behind it for at least three'
  if (service === '') throw wrong(`${quoted(rest)} names no service`, hint)
  if (Number(least) < 1) throw wrong('no instance at all is nothing to wait for', hint)
  return { kind: 'service', service, tag, datacenter, least: Number(least) }
}

function parseKey(rest: string): Condition {
  const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(rest) ?? []
  const hint = 'kv:KEY waits for any value, kv:KEY=VALUE for this one'
  if (key === '') throw wrong('which key?', hint)
  if (key.startsWith('/')) throw wrong(`the key ${quoted(key)} begins with a slash`, hint)
  if (value === '') throw wrong('no value stands behind the equals sign', hint)
  return { kind: 'kv', key, value }
}

function parseTcp(rest: string): Condition {
  const address = addressIn(rest)
  if (!address) throw wrong(`${quoted(rest)} is no address`, 'tcp:db:3306, tcp:10.0.0.2:3306')
  return { kind: 'tcp', ...address }
}

const USUAL_PORTS: Readonly<Record<Database, number>> = { postgres: 5432, mysql: 3306, redis: 6379 }

function parseDatabase(kind: Database, rest: string): Condition {
  if (rest.startsWith('/') && !rest.startsWith('//')) return { kind, at: { path: rest } }
  const at = addressIn(/^\[[^\]]*\]$|^[^:]*$/.test(rest) ? `${rest}:${USUAL_PORTS[kind]}` : rest)
  // It may be a URL, with a password.
  const hint = `${kind}:db, ${kind}:10.0.0.2:${USUAL_PORTS[kind]} or ${kind}:/path/of/socket; no user, no password`
  if (!at) throw wrong(`what stands behind ${kind}: is no address`, hint)
  return { kind, at }
}

function parseDns(rest: string): Condition {
  const [, name = '', server] = /^([^@]*)(?:@(.*))?$/s.exec(rest) ?? []
  const hint = 'dns:db.example.com, or dns:db.service.consul@127.0.0.1:8600 to ask that server'
  if (!HOST.test(name)) throw wrong(`${quoted(name)} is no name`, hint)
  if (server === undefined) return { kind: 'dns', name, server }
  const address = addressIn(/^\[|:\d+$/.test(server) ? server : `${server}:53`)
  if (!address || isIP(address.host) === 0) {
    throw wrong(`${quoted(server)} is no address of a name server`, hint)
  }
  return { kind: 'dns', name, server: hostPortText(address) }
}

function addressIn(text: string): HostPort | undefined {
  const address = parseHostPort(text)
  return address && address.port > 0 ? address : undefined
}

function some(rest: string, question: string, example: string): string {
  if (rest.trim() === '') throw wrong(question, example)
  return rest
}

function wrong(sentence: string, hint: string): Failure {
  return new Failure('usage', sentence, { hint })
}

/** Passwords in URLs are nobody's business. */
function shownOf(condition: Condition, text: string): string {
  return oneLine(condition.kind === 'http' ? text.replace(/^(!?https?:[/][/])[^/?#\s]*@/i, '$1…@') : text, LONGEST)
}
