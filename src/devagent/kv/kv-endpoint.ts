import { boolAnswer, methodNotAllowed, readAnswer, textAnswer } from '../answers.ts'
import type { AgentAnswer, AgentRequest } from '../request.ts'
import type { Server } from '../server.ts'
import { KV_TOPIC } from '../state.ts'
import type { Draft, KvEntry } from './kv-entry.ts'
import * as verbs from './kv-verbs.ts'

const MAX_VALUE_BYTES = 524_288
const MAX_FLAGS = 2n ** 64n - 1n

/** `/v1/kv/<key>` (agent/kvs_endpoint.go). */
export function kvEndpoint(server: Server, request: AgentRequest): AgentAnswer {
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

function read(server: Server, { rest, query }: AgentRequest): AgentAnswer {
  const { kv } = server.state
  if (query.has('keys') || query.has('recurse')) {
    const entries = kv.below(rest)
    const topic = { name: KV_TOPIC + rest, prefix: true }
    const text = query.has('keys') ? keys(rest, query, entries) : entries.map((entry) => entry.json()).join()
    const isEmpty = entries.length === 0 && !(query.has('keys') && rest === '')
    return readAnswer(isEmpty ? '' : `[${text}]`, kv.indexBelow(rest, entries), topic)
  }
  if (rest === '') return textAnswer(400, 'Missing key name')
  const entry = kv.get(rest)
  const topic = { name: KV_TOPIC + rest, prefix: false }
  if (!entry) return readAnswer('', kv.index, topic)
  const answer = readAnswer(`[${entry.json()}]`, entry.modifyIndex, topic)
  return query.has('raw') ? raw(answer, entry) : answer
}

function raw(answer: AgentAnswer, entry: KvEntry): AgentAnswer {
  const bytes = Buffer.from(entry.value, 'base64')
  const headers = { ...answer.reply.headers, 'content-type': 'text/plain' }
  return { ...answer, reply: { ...answer.reply, headers, text: bytes.toString('utf8'), bytes } }
}

function keys(prefix: string, query: AgentRequest['query'], entries: readonly KvEntry[]): string {
  const separator = query.get('separator') ?? ''
  const names = entries.map(({ key }) => {
    const end = separator === '' ? -1 : key.indexOf(separator, prefix.length)
    return end < 0 ? key : key.slice(0, end + separator.length)
  })
  return [...new Set(names)].map((name) => JSON.stringify(name)).join()
}

function write(server: Server, { rest, query, body }: AgentRequest): AgentAnswer {
  if (rest === '') return textAnswer(400, 'Missing key name')
  if (conflict(query, ['cas', 'acquire', 'release'])) return conflicting(query)
  const flags = unsigned(query.get('flags') ?? '0')
  if (typeof flags === 'string') return textAnswer(500, flags)
  const bytes = Buffer.from(body)
  if (bytes.length > MAX_VALUE_BYTES) return textAnswer(413, tooLarge(bytes.length))
  const draft: Draft = { key: rest, value: bytes.toString('base64'), flags }
  const session = query.get('acquire')
  if (session !== undefined) {
    if (server.state.isInLockDelay(rest)) return boolAnswer(false)
    return verbAnswer(server.write((tx) => verbs.lock(tx, draft, session)))
  }
  const holder = query.get('release')
  if (holder !== undefined) return verbAnswer(server.write((tx) => verbs.unlock(tx, draft, holder)))
  if (!query.has('cas')) return boolAnswer(server.write((tx) => verbs.set(tx, draft)))
  const index = unsigned(query.get('cas') ?? '')
  if (typeof index === 'string') return textAnswer(500, index)
  return boolAnswer(server.write((tx) => verbs.cas(tx, draft, Number(index))))
}

// `acquire` means nothing to a DELETE, though the Bash consul-locker thinks it does.
function remove(server: Server, { rest, query }: AgentRequest): AgentAnswer {
  if (conflict(query, ['recurse', 'cas'])) return conflicting(query)
  if (query.has('recurse')) {
    server.write((tx) => verbs.deleteTree(tx, rest))
    return boolAnswer(true)
  }
  if (rest === '') return textAnswer(400, 'Missing key name')
  if (query.has('cas')) {
    const index = unsigned(query.get('cas') ?? '')
    if (typeof index === 'string') return textAnswer(500, index)
    return boolAnswer(server.write((tx) => verbs.deleteCas(tx, rest, Number(index))))
  }
  server.write(({ kv, index }) => kv.delete(index, rest))
  return boolAnswer(true)
}

function verbAnswer(result: verbs.VerbResult): AgentAnswer {
  return typeof result === 'string' ? textAnswer(500, result) : boolAnswer(result)
}

function conflict(query: AgentRequest['query'], names: readonly string[]): boolean {
  return query.size > 1 && names.filter((name) => query.has(name)).length > 1
}

function conflicting(query: AgentRequest['query']): AgentAnswer {
  const sorted = [...query].sort(([a], [b]) => (a < b ? -1 : 1))
  return textAnswer(
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
