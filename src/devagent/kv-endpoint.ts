import type { Draft, KvEntry } from './kv-entry.ts'
import * as verbs from './kv-verbs.ts'
import { bool, methodNotAllowed, reading, words } from './reply.ts'
import type { AgentRequest, Answer } from './request.ts'
import type { Server } from './server.ts'
import { KV_TOPIC } from './state.ts'

const MAX_VALUE_BYTES = 524_288
const MAX_FLAGS = 2n ** 64n - 1n

/** `/v1/kv/<key>` (agent/kvs_endpoint.go). */
export function kvEndpoint(server: Server, request: AgentRequest): Answer {
  switch (request.method) {
    case 'GET':
      return read(server, request)
    case 'PUT':
      return write(server, request)
    case 'DELETE':
      return remove(server, request)
    default:
      return methodNotAllowed(request.method, 'GET,PUT,DELETE')
  }
}

function read(server: Server, { rest, query }: AgentRequest): Answer {
  const { kv } = server.state
  if (query.has('keys') || query.has('recurse')) {
    const entries = kv.below(rest)
    const topic = { name: KV_TOPIC + rest, prefix: true }
    const text = query.has('keys') ? keys(rest, query, entries) : entries.map((entry) => entry.json()).join()
    const isEmpty = entries.length === 0 && !(query.has('keys') && rest === '')
    return reading(isEmpty ? '' : `[${text}]`, kv.indexBelow(rest, entries), topic)
  }
  if (rest === '') return words(400, 'Missing key name')
  const entry = kv.get(rest)
  const topic = { name: KV_TOPIC + rest, prefix: false }
  if (!entry) return reading('', kv.index, topic)
  const answer = reading(`[${entry.json()}]`, entry.modifyIndex, topic)
  return query.has('raw') ? raw(answer, entry) : answer
}

function raw(answer: Answer, entry: KvEntry): Answer {
  const text = Buffer.from(entry.value, 'base64').toString('utf8')
  return {
    ...answer,
    reply: { ...answer.reply, headers: { ...answer.reply.headers, 'content-type': 'text/plain' }, text },
  }
}

function keys(prefix: string, query: AgentRequest['query'], entries: readonly KvEntry[]): string {
  const separator = query.get('separator') ?? ''
  const names = entries.map(({ key }) => {
    const end = separator === '' ? -1 : key.indexOf(separator, prefix.length)
    return end < 0 ? key : key.slice(0, end + separator.length)
  })
  return [...new Set(names)].map((name) => JSON.stringify(name)).join()
}

function write(server: Server, { rest, query, body }: AgentRequest): Answer {
  if (rest === '') return words(400, 'Missing key name')
  if (conflict(query, ['cas', 'acquire', 'release'])) return conflicting(query)
  const flags = unsigned(query.get('flags') ?? '0')
  if (typeof flags === 'string') return words(500, flags)
  const bytes = Buffer.from(body)
  if (bytes.length > MAX_VALUE_BYTES) return words(413, tooLarge(bytes.length))
  const draft: Draft = { key: rest, value: bytes.toString('base64'), flags }
  const session = query.get('acquire')
  if (session !== undefined) {
    if (server.state.isClosed(rest)) return bool(false)
    return verdict(server.write((ledger) => verbs.lock(ledger, draft, session)))
  }
  const holder = query.get('release')
  if (holder !== undefined) return verdict(server.write((ledger) => verbs.unlock(ledger, draft, holder)))
  if (!query.has('cas')) return bool(server.write((ledger) => verbs.set(ledger, draft)))
  const index = unsigned(query.get('cas') ?? '')
  if (typeof index === 'string') return words(500, index)
  return bool(server.write((ledger) => verbs.cas(ledger, draft, Number(index))))
}

// `acquire` means nothing to a DELETE, though the Bash consul-locker thinks it does.
function remove(server: Server, { rest, query }: AgentRequest): Answer {
  if (conflict(query, ['recurse', 'cas'])) return conflicting(query)
  if (query.has('recurse')) {
    server.write((ledger) => verbs.deleteTree(ledger, rest))
    return bool(true)
  }
  if (rest === '') return words(400, 'Missing key name')
  if (query.has('cas')) {
    const index = unsigned(query.get('cas') ?? '')
    if (typeof index === 'string') return words(500, index)
    return bool(server.write((ledger) => verbs.deleteCas(ledger, rest, Number(index))))
  }
  server.write(({ kv, index }) => kv.delete(index, rest))
  return bool(true)
}

function verdict(verdict: verbs.Verdict): Answer {
  return typeof verdict === 'string' ? words(500, verdict) : bool(verdict)
}

function conflict(query: AgentRequest['query'], names: readonly string[]): boolean {
  return query.size > 1 && names.filter((name) => query.has(name)).length > 1
}

function conflicting(query: AgentRequest['query']): Answer {
  const sorted = [...query].sort(([a], [b]) => (a < b ? -1 : 1))
  return words(
    400,
    `Conflicting flags: ${sorted.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`,
  )
}

/** A 64-bit number, or Go's words for one that is none. */
function unsigned(text: string): bigint | string {
  const number = /^\d+$/.test(text) ? BigInt(text) : undefined
  if (number !== undefined && number <= MAX_FLAGS) return number
  const why = number === undefined ? 'invalid syntax' : 'value out of range'
  return `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`
}

function tooLarge(bytes: number): string {
  return `Request body(${bytes} bytes) too large, max size: ${MAX_VALUE_BYTES} bytes. See https://www.consul.io/docs/agent/options.html#kv_max_value_size.`
}
