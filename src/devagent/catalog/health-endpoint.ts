import { methodNotAllowed, readAnswer, textAnswer } from '../answers.ts'
import type { AgentAnswer, AgentRequest } from '../request.ts'
import type { Server } from '../server.ts'
import { CATALOG_TOPIC, serviceTopic } from './catalog-indexes.ts'
import { checkJson, checksOfInstance, instanceJson, sortedChecks } from './catalog-json.ts'
import { instancesOf, isWanted, nodesWanted, subjectOf, verbOf } from './catalog-query.ts'
import type { CatalogCheck } from './catalog-records.ts'

type Read = (server: Server, request: AgentRequest) => AgentAnswer

const READS: Readonly<Record<string, Read>> = { node, checks, service, state }

const EVERYTHING = { name: CATALOG_TOPIC, prefix: false }

/** `/v1/health/<verb>/<subject>` (agent/health_endpoint.go). */
export function healthEndpoint(server: Server, request: AgentRequest): AgentAnswer {
  const verb = verbOf(request)
  const read = Object.hasOwn(READS, verb) ? READS[verb] : undefined
  if (!read) return textAnswer(404, '')
  return request.method === 'GET' ? read(server, request) : methodNotAllowed(request.method, 'GET')
}

function node(server: Server, request: AgentRequest): AgentAnswer {
  const entry = server.state.catalog.get(subjectOf(request, 'node name'))
  return listed(server, sortedChecks(entry?.checks.values() ?? []))
}

/** The checks of a service's instances. */
function checks(server: Server, request: AgentRequest): AgentAnswer {
  const name = subjectOf(request, 'service name')
  return listed(
    server,
    allChecks(server, request).filter((check) => check.ServiceName === name && check.ServiceID !== ''),
  )
}

function state(server: Server, request: AgentRequest): AgentAnswer {
  const wanted = subjectOf(request, 'check state')
  return listed(
    server,
    allChecks(server, request).filter(({ Status }) => wanted === 'any' || Status === wanted),
  )
}

function service({ state: { catalog } }: Server, request: AgentRequest): AgentAnswer {
  const name = subjectOf(request, 'service name')
  const passes = isWanted(request.query, 'passing')
  const list = instancesOf(catalog, name, request.query)
    .filter(
      ({ entry, service }) => !passes || checksOfInstance(entry, service).every(({ Status }) => Status === 'passing'),
    )
    .map(({ entry, service }) => instanceJson(entry, service))
  const topic = { name: serviceTopic(name), prefix: false }
  return readAnswer(JSON.stringify(list), catalog.indexes.ofService(name), topic)
}

function allChecks({ state: { catalog } }: Server, { query }: AgentRequest): CatalogCheck[] {
  return nodesWanted(catalog, query).flatMap(({ checks }) => sortedChecks(checks.values()))
}

function listed({ state: { catalog } }: Server, checks: readonly CatalogCheck[]): AgentAnswer {
  return readAnswer(JSON.stringify(checks.map(checkJson)), catalog.indexes.ofChecks, EVERYTHING)
}
