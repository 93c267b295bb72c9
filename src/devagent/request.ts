import type { WireReply, WireRequest } from '../consul/wire.ts'
import { parseGoDuration } from './go-duration.ts'
import { Refusal } from './refusal.ts'
import type { Topic } from './watches.ts'

/** A request as it arrives: over HTTP there are more methods than ours, and bodies of bytes. */
export interface AgentWire extends Pick<WireRequest, 'path'> {
  readonly method: string
  readonly body?: string | Buffer
}

/** What goes back. */
export interface AgentReply extends WireReply {
  /** The body, where it is no text. */
  readonly bytes?: Buffer
}

/** A request as the endpoints see it. */
export interface AgentRequest {
  readonly method: string
  /** Below `/v1/<endpoint>/`, decoded. */
  readonly rest: string
  readonly query: Query
  readonly body: string | Buffer
  /** The node that the request's agent runs on. */
  readonly node: string
}

/** What stands behind the question mark; the first of several of a name, and `tags` all that are called `tag`. */
export interface Query extends ReadonlyMap<string, string> {
  readonly tags?: readonly string[]
}

/** What an endpoint makes of a request. */
export interface AgentAnswer {
  readonly reply: AgentReply
  /** For reads that can block: they do while this isn't above the index asked for, until the topic changes. */
  readonly index?: number
  readonly topic?: Topic
}

/**
 * A write that the leader has looked at and lets pass: it happens, and has its answer, when its turn in the log comes.
 */
export interface Proposal {
  readonly commit: () => AgentAnswer
}

/** How long a read blocks. */
export interface Blocking {
  readonly index: number
  readonly waitMs: number
}

// agent/consul/rpc.go and its configuration's defaults.
const DEFAULT_WAIT_MS = 300_000
const MAX_WAIT_MS = 600_000

/**
 * The endpoint's word (`kv`, `session`…) and the request. `undefined` for what is not below `/v1/`. Throws a `Refusal`
 * for a path that can't be decoded.
 */
export function parseRequest(wire: AgentWire, node: string): [word: string, AgentRequest] | undefined {
  const { method, path, body = '' } = wire
  if (!path.startsWith('/v1/')) return undefined
  const mark = path.indexOf('?')
  const place = decode(mark < 0 ? path.slice(4) : path.slice(4, mark))
  const slash = place.indexOf('/')
  const word = slash < 0 ? place : place.slice(0, slash)
  const rest = slash < 0 ? '' : place.slice(slash + 1)
  return [word, { method, rest, query: parseQuery(mark < 0 ? '' : path.slice(mark + 1)), body, node }]
}

/** What the request says about blocking; words of refusal when it makes no sense (agent/http.go, parseWait). */
export function parseBlocking(query: Query): Blocking | string {
  const index = query.get('index') ?? '0'
  if (!/^\d+$/.test(index)) return 'Invalid index'
  const wait = query.get('wait')
  const waitNs = wait === undefined ? 0 : parseGoDuration(wait)
  if (typeof waitNs === 'string') return 'Invalid wait time'
  const waitMs = waitNs > 0 ? Math.min(waitNs / 1e6, MAX_WAIT_MS) : DEFAULT_WAIT_MS
  return { index: Number(index), waitMs }
}

const NO_QUERY: Query = new Map()

function parseQuery(text: string): Query {
  if (text === '') return NO_QUERY
  const query = new Map<string, string>() as Map<string, string> & { tags?: string[] }
  for (const part of text.split('&')) {
    const equals = part.indexOf('=')
    const name = decode(equals < 0 ? part : part.slice(0, equals))
    const value = equals < 0 ? '' : decode(part.slice(equals + 1).replaceAll('+', ' '))
    if (name === 'tag') query.tags = [...(query.tags ?? []), value]
    if (!query.has(name)) query.set(name, value)
  }
  return query
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal(400, '400 Bad Request')
  }
}
