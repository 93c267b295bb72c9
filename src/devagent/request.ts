import type { WireReply, WireRequest } from '../consul/wire.ts'
import { parseGoDuration } from './go-duration.ts'
import type { Topic } from './watches.ts'

/** A request as the endpoints see it. */
export interface AgentRequest {
  readonly method: WireRequest['method']
  /** Below `/v1/<endpoint>/`, decoded. */
  readonly rest: string
  readonly query: ReadonlyMap<string, string>
  readonly body: string
  /** The node that the request's agent runs on. */
  readonly node: string
}

/** What an endpoint makes of a request. */
export interface Answer {
  readonly reply: WireReply
  /** For reads that can block: they do while this isn't above the index asked for, until the topic changes. */
  readonly index?: number
  readonly topic?: Topic
}

/** A write that the leader has looked at and lets pass: it happens, and has its answer, when its turn in the log comes. */
export interface Proposal {
  readonly commit: () => Answer
}

/** How long a read blocks. */
export interface Blocking {
  readonly index: number
  readonly waitMs: number
}

// agent/consul/rpc.go and its configuration's defaults.
const DEFAULT_WAIT_MS = 300_000
const MAX_WAIT_MS = 600_000

/** The endpoint's word (`kv`, `session`…) and the request. `undefined` for what is not below `/v1/`. */
export function parseRequest(wire: WireRequest, node: string): [word: string, AgentRequest] | undefined {
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
export function parseBlocking(query: ReadonlyMap<string, string>): Blocking | string {
  const index = query.get('index') ?? '0'
  if (!/^\d+$/.test(index)) return 'Invalid index'
  const wait = query.get('wait')
  const waitNs = wait === undefined ? 0 : parseGoDuration(wait)
  if (typeof waitNs === 'string') return 'Invalid wait time'
  const waitMs = waitNs > 0 ? Math.min(waitNs / 1e6, MAX_WAIT_MS) : DEFAULT_WAIT_MS
  return { index: Number(index), waitMs }
}

const NO_QUERY: ReadonlyMap<string, string> = new Map()

function parseQuery(text: string): ReadonlyMap<string, string> {
  if (text === '') return NO_QUERY
  const query = new Map<string, string>()
  for (const part of text.split('&')) {
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    const value = equals < 0 ? '' : part.slice(equals + 1)
    if (!query.has(name)) query.set(decode(name), decode(value.replaceAll('+', ' ')))
  }
  return query
}

function decode(text: string): string {
  return text.includes('%') ? decodeURIComponent(text) : text
}
