import { boolAnswer, jsonAnswer, methodNotAllowed, readAnswer, textAnswer } from '../answers.ts'
import type { AgentAnswer, AgentRequest } from '../request.ts'
import type { Server } from '../server.ts'
import { CATALOG_TOPIC, serviceTopic } from './catalog-indexes.ts'
import { serviceJson, serviceNodeJson, sortedServices } from './catalog-json.ts'
import { instancesOf, nodesWanted, subjectOf, verbOf } from './catalog-query.ts'
import { DATACENTER } from './member.ts'
import { parseRegistration, parseRemoval } from './registration-body.ts'

type Read = (server: Server, request: AgentRequest) => AgentAnswer

const READS: Readonly<Record<string, Read>> = {
  datacenters: () => jsonAnswer(JSON.stringify([DATACENTER])),
  nodes,
  node,
  'node-services': nodeServices,
  services,
  service,
}

const EVERYTHING = { name: CATALOG_TOPIC, prefix: false }

/** `/v1/catalog/<verb>/<subject>` (agent/catalog_endpoint.go). */
export function catalogEndpoint(server: Server, request: AgentRequest): AgentAnswer {
  const verb = verbOf(request)
  if (verb === 'register' || verb === 'deregister') {
    if (request.method !== 'PUT') return methodNotAllowed(request.method, 'PUT')
    return verb === 'register' ? register(server, request) : deregister(server, request)
  }
  const read = Object.hasOwn(READS, verb) ? READS[verb] : undefined
  if (!read) return textAnswer(404, '')
  return request.method === 'GET' ? read(server, request) : methodNotAllowed(request.method, 'GET')
}

function register(server: Server, { body }: AgentRequest): AgentAnswer {
  const obstacle = server.register(parseRegistration(body))
  return obstacle === undefined ? boolAnswer(true) : textAnswer(500, obstacle)
}

function deregister(server: Server, { body }: AgentRequest): AgentAnswer {
  server.deregister(parseRemoval(body))
  return boolAnswer(true)
}

function nodes({ state: { catalog } }: Server, { query }: AgentRequest): AgentAnswer {
  const list = nodesWanted(catalog, query).map(({ node }) => node)
  return readAnswer(JSON.stringify(list), catalog.indexes.ofNodes, EVERYTHING)
}

function node({ state: { catalog } }: Server, request: AgentRequest): AgentAnswer {
  const entry = catalog.get(subjectOf(request, 'node name'))
  if (!entry) return readAnswer('null', 0, EVERYTHING)
  const services = sortedServices(entry.services.values()).map((service) => [service.ID, serviceJson(service)])
  const text = JSON.stringify({ Node: entry.node, Services: Object.fromEntries(services) })
  return readAnswer(text, Math.max(catalog.indexes.ofNodes, catalog.indexes.ofServices), EVERYTHING)
}

function nodeServices({ state: { catalog } }: Server, request: AgentRequest): AgentAnswer {
  const entry = catalog.get(subjectOf(request, 'node name'))
  if (!entry) return readAnswer('{"Node":null,"Services":null}', 0, EVERYTHING)
  const services = sortedServices(entry.services.values()).map(serviceJson)
  const text = JSON.stringify({ Node: entry.node, Services: services })
  return readAnswer(text, Math.max(catalog.indexes.ofNodes, catalog.indexes.ofServices), EVERYTHING)
}

/** The names of all services, with the tags that any of their instances has. */
function services({ state: { catalog } }: Server, { query }: AgentRequest): AgentAnswer {
  const tags = new Map<string, Set<string>>()
  for (const { services } of nodesWanted(catalog, query)) {
    for (const { Service, Tags } of services.values()) {
      tags.set(Service, new Set([...(tags.get(Service) ?? []), ...Tags]))
    }
  }
  const named = [...tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, tags]) => [name, [...tags]])
  return readAnswer(JSON.stringify(Object.fromEntries(named)), catalog.indexes.ofServices, EVERYTHING)
}

function service({ state: { catalog } }: Server, request: AgentRequest): AgentAnswer {
  const name = subjectOf(request, 'service name')
  const list = instancesOf(catalog, name, request.query).map(({ entry, service }) => serviceNodeJson(entry, service))
  const topic = { name: serviceTopic(name), prefix: false }
  return readAnswer(JSON.stringify(list), catalog.indexes.ofService(name), topic)
}
