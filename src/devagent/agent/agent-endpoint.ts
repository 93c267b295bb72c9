import { type Health, worst } from '../../consul/health.ts'
import { DONE, jsonAnswer, methodNotAllowed, textAnswer } from '../answers.ts'
import { isWanted, subjectOf } from '../catalog/catalog-query.ts'
import type { ServiceDraft } from '../catalog/catalog-records.ts'
import { JsonFields, jsonBody } from '../json-fields.ts'
import { Refusal } from '../refusal.ts'
import type { AgentAnswer, AgentRequest } from '../request.ts'
import { agentCheckJson, agentServiceJson, memberJson, STATUS_OF_HEALTH, selfJson } from './agent-json.ts'
import type { NodeAgent } from './node-agent.ts'
import { parseAgentCheck } from './requested-check.ts'
import { parseService } from './requested-service.ts'

/** The agent that is asked, and what it has to know to say who it is. */
export interface AddressedAgent {
  readonly agent: NodeAgent
  readonly address: string
  readonly leader: string
}

type Serve = (asked: AddressedAgent, request: AgentRequest) => AgentAnswer

/** By the words of the path; a name in it stands behind them. */
const GETS: Readonly<Record<string, Serve>> = {
  self: ({ address, leader }, { node }) => json(selfJson(node, address, leader)),
  members: ({ address }, { node, query }) => json([memberJson(query.has('wan') ? `${node}.dc1` : node, address)]),
  services: ({ agent }) => json(byId(agent.services.map((service) => [service.ID, agentServiceJson(service)]))),
  checks: ({ agent }) => json(byId(agent.checks.map((check) => [check.CheckID, agentCheckJson(check)]))),
  service: readService,
  'health/service/id': healthOfInstance,
  'health/service/name': healthOfService,
}

const PUTS: Readonly<Record<string, Serve>> = {
  'service/register': ({ agent }, { body, query }) => {
    agent.registerService(parseService(body), isWanted(query, 'replace-existing-checks'))
    return DONE
  },
  'service/deregister': ({ agent }, request) => {
    agent.deregisterService(subjectOf(request, 'service ID'))
    return DONE
  },
  'service/maintenance': ({ agent }, request) => {
    const id = subjectOf(request, 'service ID')
    agent.maintainService(id, enabled(request), request.query.get('reason') ?? '')
    return DONE
  },
  maintenance: ({ agent }, request) => {
    agent.maintain(enabled(request), request.query.get('reason') ?? '')
    return DONE
  },
  'check/register': ({ agent }, { body }) => {
    const fields = new JsonFields(jsonBody(body))
    agent.registerCheck(parseAgentCheck(fields), fields.text('ServiceID'))
    return DONE
  },
  'check/deregister': ({ agent }, request) => {
    agent.deregisterCheck(subjectOf(request, 'check ID'))
    return DONE
  },
  'check/pass': told('passing'),
  'check/warn': told('warning'),
  'check/fail': told('critical'),
  'check/update': updateCheck,
  reload: () => DONE,
}

/** `/v1/agent/…` (agent/agent_endpoint.go). */
export function agentEndpoint(asked: AddressedAgent, request: AgentRequest): AgentAnswer {
  const get = lookUp(GETS, request)
  const put = lookUp(PUTS, request)
  if (request.method === 'PUT' && put) return put.serve(asked, put.request)
  if (request.method === 'GET' && get && !put) return get.serve(asked, get.request)
  if (!get && !put) return textAnswer(404, '')
  return methodNotAllowed(request.method, put ? 'PUT' : 'GET')
}

/** The longest words that the path begins with; the request then has the rest of it behind the last of them. */
function lookUp(table: Readonly<Record<string, Serve>>, request: AgentRequest) {
  const parts = request.rest.split('/')
  for (let length = Math.min(parts.length, 3); length > 0; length--) {
    const words = parts.slice(0, length).join('/')
    const serve = Object.hasOwn(table, words) ? table[words] : undefined
    if (serve) return { serve, request: { ...request, rest: parts.slice(length - 1).join('/') } }
  }
  return undefined
}

function readService({ agent }: AddressedAgent, request: AgentRequest): AgentAnswer {
  const id = subjectOf(request, 'service ID')
  const service = agent.service(id)
  return service ? json(agentServiceJson(service)) : textAnswer(404, `unknown service ID: ${id}`)
}

function healthOfInstance({ agent }: AddressedAgent, request: AgentRequest): AgentAnswer {
  const id = subjectOf(request, 'service ID')
  const service = agent.service(id)
  if (!service) return textAnswer(404, `ServiceId ${id} not found`)
  const { health, about } = aggregated(agent, service)
  return healthAnswer(health, request, about)
}

function healthOfService({ agent }: AddressedAgent, request: AgentRequest): AgentAnswer {
  const name = subjectOf(request, 'service Name')
  const all = agent.services.filter(({ Service }) => Service === name).map((service) => aggregated(agent, service))
  if (all.length === 0) return textAnswer(404, `ServiceName ${name} Not Found`)
  const health = worst(all.map(({ health: Status }) => ({ Status })))
  return healthAnswer(
    health,
    request,
    all.map(({ about }) => about),
  )
}

function aggregated(agent: NodeAgent, service: ServiceDraft): { health: Health; about: object } {
  const checks = agent.checks.filter(({ ServiceID }) => ServiceID === '' || ServiceID === service.ID)
  const health = worst(checks)
  const about = {
    AggregatedStatus: health,
    Service: agentServiceJson(service),
    Checks: checks.map(agentCheckJson),
  }
  return { health, about }
}

function healthAnswer(health: Health, { query }: AgentRequest, about: object): AgentAnswer {
  const status = STATUS_OF_HEALTH[health]
  if (query.get('format') === 'text') return textAnswer(status, health)
  const { reply } = json(about)
  return { reply: { ...reply, status } }
}

function told(status: Health): Serve {
  return ({ agent }, request) => {
    agent.tellCheck(subjectOf(request, 'check ID'), { status, output: request.query.get('note') ?? '' })
    return DONE
  }
}

function updateCheck({ agent }: AddressedAgent, request: AgentRequest): AgentAnswer {
  const fields = new JsonFields(jsonBody(request.body))
  const status = fields.text('Status')
  if (status !== 'passing' && status !== 'warning' && status !== 'critical') {
    throw new Refusal(400, `Invalid check status: '${status}'`)
  }
  agent.tellCheck(subjectOf(request, 'check ID'), { status, output: fields.text('Output') })
  return DONE
}

function enabled({ query }: AgentRequest): boolean {
  if (!query.get('enable')) throw new Refusal(400, 'Missing value for enable')
  return isWanted(query, 'enable')
}

function byId(entries: readonly (readonly [string, object])[]): object {
  return Object.fromEntries(entries)
}

function json(value: unknown): AgentAnswer {
  return jsonAnswer(JSON.stringify(value))
}
