import { parseGoDuration } from './go-duration.ts'
import { NO_UUID } from './kv-verbs.ts'
import { bool, json, methodNotAllowed, reading, words } from './reply.ts'
import type { AgentRequest, Answer } from './request.ts'
import type { Server } from './server.ts'
import { type SessionRecord, sessionJson } from './session-table.ts'
import { SESSION_TOPIC } from './state.ts'

const TTL_MIN_NS = 10e9
const TTL_MAX_NS = 86_400e9
const DEFAULT_LOCK_DELAY_NS = 15e9
/** Smaller numbers are taken for seconds (agent/session_endpoint.go, FixupLockDelay). */
const LOCK_DELAY_THRESHOLD_NS = 1000

/** `/v1/session/<verb>/<id>` (agent/session_endpoint.go). */
export function sessionEndpoint(server: Server, request: AgentRequest): Answer {
  const slash = request.rest.indexOf('/')
  const verb = slash < 0 ? request.rest : request.rest.slice(0, slash)
  const subject = slash < 0 ? '' : request.rest.slice(slash + 1)
  const writes = verb === 'create' || verb === 'renew' || verb === 'destroy'
  if (request.method !== (writes ? 'PUT' : 'GET')) return methodNotAllowed(request.method, writes ? 'PUT' : 'GET')
  if (verb === 'create') return create(server, request)
  if (verb === 'list') return list(server, SESSION_TOPIC, () => true)
  if (verb === 'node') {
    if (subject === '') return words(400, 'Missing node name')
    return list(server, SESSION_TOPIC, (session) => session.node === subject)
  }
  if (verb !== 'info' && verb !== 'renew' && verb !== 'destroy') return words(404, '')
  if (subject === '') return words(400, 'Missing session')
  if (subject.length !== 36) return words(500, NO_UUID)
  if (verb === 'renew') return renew(server, subject)
  if (verb === 'info') return info(server, subject)
  server.destroySession(subject)
  return bool(true)
}

function renew(server: Server, id: string): Answer {
  const session = server.state.sessions.get(id)
  if (!session) return words(404, `Session id '${id}' not found`)
  server.rearm(session)
  return json(`[${sessionJson(session)}]`)
}

function info(server: Server, id: string): Answer {
  const session = server.state.sessions.get(id)
  const topic = { name: SESSION_TOPIC + id, prefix: false }
  return reading(session ? `[${sessionJson(session)}]` : '[]', server.state.sessions.index, topic)
}

function list(server: Server, prefix: string, wanted: (session: SessionRecord) => boolean): Answer {
  const sessions = server.state.sessions.list().filter(wanted)
  const topic = { name: prefix, prefix: true }
  return reading(`[${sessions.map(sessionJson).join()}]`, server.state.sessions.index, topic)
}

function create(server: Server, request: AgentRequest): Answer {
  const wish = parseWish(request.body)
  if (typeof wish === 'string') return words(400, `Request decode failed: ${wish}`)
  const { Behavior: behavior = '', TTL: ttl = '', Node: node = request.node } = wish
  if (behavior !== '' && behavior !== 'release' && behavior !== 'delete') {
    return words(500, `Invalid Behavior setting '${behavior}'`)
  }
  const ttlNs = ttl === '' ? 0 : parseGoDuration(ttl)
  if (typeof ttlNs === 'string') return words(500, `Session TTL '${ttl}' invalid: ${ttlNs}`)
  if (ttlNs !== 0 && (ttlNs < TTL_MIN_NS || ttlNs > TTL_MAX_NS)) {
    return words(500, `Invalid Session TTL '${ttlNs}', must be between [10s=24h0m0s]`)
  }
  const checks = wish.NodeChecks ?? wish.Checks ?? ['serfHealth']
  const obstacle = server.obstacleToSession(node, checks)
  if (obstacle) return words(500, obstacle)
  const id = server.createSession({
    name: wish.Name ?? '',
    node,
    ttl,
    ttlMs: ttlNs / 1e6,
    lockDelayNs: wish.lockDelayNs,
    behavior: behavior || 'release',
    checks,
  })
  return json(`{"ID":"${id}"}`)
}

interface Wish {
  readonly Name?: string
  readonly Node?: string
  readonly TTL?: string
  readonly Behavior?: string
  readonly LockDelay?: string | number
  readonly Checks?: readonly string[]
  readonly NodeChecks?: readonly string[]
  readonly lockDelayNs: number
}

/** What the body asks for, or why it can't be read. */
function parseWish(body: string): Wish | string {
  if (body === '') return { lockDelayNs: DEFAULT_LOCK_DELAY_NS }
  try {
    const wish = JSON.parse(body) as Wish
    const delayNs = typeof wish.LockDelay === 'string' ? parseGoDuration(wish.LockDelay) : wish.LockDelay
    if (typeof delayNs === 'string') return delayNs
    return { ...wish, lockDelayNs: fixLockDelay(delayNs ?? DEFAULT_LOCK_DELAY_NS) }
  } catch {
    return 'invalid character'
  }
}

function fixLockDelay(ns: number): number {
  return ns < LOCK_DELAY_THRESHOLD_NS ? ns * 1e9 : ns
}
