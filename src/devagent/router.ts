import { absentAnswer } from './absent-endpoints.ts'
import { agentEndpoint } from './agent/agent-endpoint.ts'
import type { NodeAgents } from './agent/node-agents.ts'
import { jsonAnswer, methodNotAllowed, textAnswer } from './answers.ts'
import { catalogEndpoint } from './catalog/catalog-endpoint.ts'
import { healthEndpoint } from './catalog/health-endpoint.ts'
import { DATACENTER, SERVER_PORT } from './catalog/member.ts'
import { kvEndpoint } from './kv/kv-endpoint.ts'
import { Refusal } from './refusal.ts'
import type { AgentAnswer, AgentRequest, Proposal, Query } from './request.ts'
import type { Server } from './server.ts'
import { sessionEndpoint } from './session/session-endpoint.ts'
import { txnEndpoint } from './txn/txn-endpoint.ts'

type Endpoint = (server: Server, request: AgentRequest) => AgentAnswer | Proposal

/** What the servers answer, and need a leader for. */
const OF_SERVERS: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['kv', kvEndpoint],
  ['session', sessionEndpoint],
  ['txn', txnEndpoint],
  ['catalog', catalogEndpoint],
  ['health', healthEndpoint],
])

/** Endpoints of which nothing is missing. */
const WHOLE: ReadonlySet<string> = new Set(['kv', 'session', 'txn'])

/** Who answers requests. */
export interface Answerers {
  readonly server: Server
  readonly agents: NodeAgents
  /** Of the machine that all nodes are on. */
  readonly address: string
  hasLeader(): boolean
}

/** Whether requests with this word are for servers that have a leader. */
export function needsLeader(word: string, { query }: AgentRequest): boolean {
  return OF_SERVERS.has(word) && !query.has('stale')
}

/** The answer to a request, at this moment; a refusal is one, too. */
export function answer(answerers: Answerers, word: string, request: AgentRequest): AgentAnswer | Proposal {
  try {
    return routed(answerers, word, request)
  } catch (thrown) {
    return refused(thrown)
  }
}

/** The answer of a refusal; throws all else again. */
export function refused(thrown: unknown): AgentAnswer {
  if (thrown instanceof Refusal) return textAnswer(thrown.status, thrown.message)
  throw thrown
}

function routed(answerers: Answerers, word: string, request: AgentRequest): AgentAnswer | Proposal {
  const { server, agents, address } = answerers
  if (request.query.size > 0) checkScope(request.query)
  const absent = WHOLE.has(word) ? undefined : absentAnswer(`${word}/${request.rest}`)
  if (absent) return absent
  const endpoint = OF_SERVERS.get(word)
  if (endpoint) return endpoint(server, request)
  const leader = answerers.hasLeader() ? `${address}:${SERVER_PORT}` : ''
  if (word === 'agent') return agentEndpoint({ agent: agents.on(request.node), address, leader }, request)
  return word === 'status' ? statusAnswer(leader, request) : textAnswer(404, '')
}

/** `/v1/status/leader`, `/v1/status/peers` (agent/status_endpoint.go). */
function statusAnswer(leader: string, { method, rest }: AgentRequest): AgentAnswer {
  if (rest !== 'leader' && rest !== 'peers') return textAnswer(404, '')
  if (method !== 'GET') return methodNotAllowed(method, 'GET')
  return jsonAnswer(JSON.stringify(rest === 'leader' ? leader : [leader]))
}

/** Throws a `Refusal` for what a request asks of the whole of Consul that isn't here. */
function checkScope(query: Query): void {
  if (query.has('stale') && query.has('consistent')) {
    throw new Refusal(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.')
  }
  if (query.has('ns')) {
    throw new Refusal(400, 'Bad request: Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature')
  }
  if (query.has('filter')) throw new Refusal(501, 'consul-locker dev has no ?filter: it needs a real Consul')
  const datacenter = query.get('dc')
  if (datacenter !== undefined && datacenter !== '' && datacenter !== DATACENTER) {
    throw new Refusal(500, 'No path to datacenter')
  }
}
