import { boolAnswer, jsonAnswer, methodNotAllowed, readAnswer, textAnswer } from '../answers.ts'
import { SERF_HEALTH } from '../catalog/member.ts'
import { parseGoDuration } from '../go-duration.ts'
import { JsonFields, jsonBody } from '../json-fields.ts'
import { NO_UUID } from '../kv/kv-verbs.ts'
import type { AgentAnswer, AgentRequest } from '../request.ts'
import type { Server } from '../server.ts'
import { SESSION_TOPIC } from '../state.ts'
import { allChecks, type SessionRecord, sessionJson } from './session-table.ts'

const TTL_MIN_NS = 10e9
const TTL_MAX_NS = 86_400e9
const DEFAULT_LOCK_DELAY_NS = 15e9
/** Smaller numbers are taken for seconds (agent/session_endpoint.go, FixupLockDelay). */
const LOCK_DELAY_THRESHOLD_NS = 1000

/** `/v1/session/<verb>/<id>` (agent/session_endpoint.go). */
export function sessionEndpoint(server: Server, request: AgentRequest): AgentAnswer {
  const slash = request.rest.indexOf('/')
  const verb = slash < 0 ? request.rest : request.rest.slice(0, slash)
  const subject = slash < 0 ? '' : request.rest.slice(slash + 1)
  const writes = verb === 'create' || verb === 'renew' || verb === 'destroy'
  if (request.method !== (writes ? 'PUT' : 'GET')) return methodNotAllowed(request.method, writes ? 'PUT' : 'GET')
  if (verb === 'create') return create(server, request)
  if (verb === 'list') return list(server, SESSION_TOPIC, () => true)
  if (verb === 'node') {
    if (subject === '') return textAnswer(400, 'Missing node name')
    return list(server, SESSION_TOPIC, (session) => session.node === subject)
  }
  if (verb !== 'info' && verb !== 'renew' && verb !== 'destroy') return textAnswer(404, '')
  if (subject === '') return textAnswer(400, 'Missing session')
  if (subject.length !== 36) return textAnswer(500, NO_UUID)
  if (verb === 'renew') return renew(server, subject)
  if (verb === 'info') return info(server, subject)
  server.destroySession(subject)
  return boolAnswer(true)
}

function renew(server: Server, id: string): AgentAnswer {
  const session = server.state.sessions.get(id)
  if (!session) return textAnswer(404, `Session id '${id}' not found`)
  server.resetTimer(session)
  return jsonAnswer(`[${sessionJson(session)}]`)
}

function info(server: Server, id: string): AgentAnswer {
  const session = server.state.sessions.get(id)
  const topic = { name: SESSION_TOPIC + id, prefix: false }
  return readAnswer(session ? `[${sessionJson(session)}]` : '[]', server.state.sessions.index, topic)
}

function list(server: Server, prefix: string, wanted: (session: SessionRecord) => boolean): AgentAnswer {
  const sessions = server.state.sessions.list().filter(wanted)
  const topic = { name: prefix, prefix: true }
  return readAnswer(`[${sessions.map(sessionJson).join()}]`, server.state.sessions.index, topic)
}

function create(server: Server, request: AgentRequest): AgentAnswer {
  const fields = new JsonFields(request.body.length === 0 ? {} : jsonBody(request.body))
  const behavior = fields.text('Behavior')
  if (behavior !== '' && behavior !== 'release' && behavior !== 'delete') {
    return textAnswer(500, `Invalid Behavior setting '${behavior}'`)
  }
  const ttl = fields.text('TTL')
  const ttlNs = ttl === '' ? 0 : parseGoDuration(ttl)
  if (typeof ttlNs === 'string') return textAnswer(500, `Session TTL '${ttl}' invalid: ${ttlNs}`)
  if (ttlNs !== 0 && (ttlNs < TTL_MIN_NS || ttlNs > TTL_MAX_NS)) {
    return textAnswer(500, `Invalid Session TTL '${ttlNs}', must be between [10s=24h0m0s]`)
  }
  const node = fields.text('Node') || request.node
  const checks = checksIn(fields)
  const obstacle = server.obstacleToSession(node, allChecks(checks))
  if (obstacle) return textAnswer(500, obstacle)
  const id = server.createSession({
    name: fields.text('Name'),
    node,
    ttl,
    ttlMs: ttlNs / 1e6,
    lockDelayNs: lockDelayIn(fields),
    behavior: behavior || 'release',
    ...checks,
  })
  return jsonAnswer(`{"ID":"${id}"}`)
}

/**
 * The checks that a session is bound to. `Checks` is what older clients say: an empty list takes serfHealth away,
 * others come beside it, and where there are `NodeChecks` it means nothing (agent/session_endpoint.go,
 * structs.Session).
 */
function checksIn(fields: JsonFields): Pick<SessionRecord, 'checks' | 'serviceChecks' | 'olderChecks'> {
  const serviceChecks = fields.objects('ServiceChecks').map((check) => check.text('ID'))
  if (fields.has('NodeChecks')) return { checks: fields.texts('NodeChecks'), serviceChecks, olderChecks: [] }
  const olderChecks = fields.texts('Checks')
  const isEmptied = fields.has('Checks') && olderChecks.length === 0
  return { checks: isEmptied ? [] : [SERF_HEALTH], serviceChecks, olderChecks }
}

function lockDelayIn(fields: JsonFields): number {
  if (!fields.has('LockDelay')) return DEFAULT_LOCK_DELAY_NS
  const ns = fields.durationNs('LockDelay')
  return ns < LOCK_DELAY_THRESHOLD_NS ? ns * 1e9 : ns
}
