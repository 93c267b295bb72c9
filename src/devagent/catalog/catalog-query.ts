import { Refusal } from '../refusal.ts'
import type { AgentRequest, Query } from '../request.ts'
import { sortedServices } from './catalog-json.ts'
import type { CatalogService } from './catalog-records.ts'
import type { CatalogTable, NodeEntry } from './catalog-table.ts'

/** An instance of a service, with the node that it is on. */
export interface Located {
  readonly entry: NodeEntry
  readonly service: CatalogService
}

/** The instances of a service that a request asks for: by tags and by what its node's meta data say. */
export function instancesOf(catalog: CatalogTable, name: string, query: Query): Located[] {
  const tags = (query.tags ?? []).map((tag) => tag.toLowerCase())
  return nodesWanted(catalog, query).flatMap((entry) =>
    sortedServices(entry.services.values())
      .filter((service) => service.Service === name && hasTags(service, tags))
      .map((service) => ({ entry, service })),
  )
}

/** The nodes that a request asks for (`?node-meta=key:value`). */
export function nodesWanted(catalog: CatalogTable, query: Query): NodeEntry[] {
  const meta = query.get('node-meta')
  if (meta === undefined) return catalog.list()
  const colon = meta.indexOf(':')
  const [key, value] = colon < 0 ? [meta, ''] : [meta.slice(0, colon), meta.slice(colon + 1)]
  return catalog.list().filter(({ node }) => node.Meta?.[key] === value)
}

/** What stands behind the verb of a path. Throws a `Refusal` in Consul's words when nothing does. */
export function subjectOf({ rest }: AgentRequest, what: string): string {
  const slash = rest.indexOf('/')
  const subject = slash < 0 ? '' : rest.slice(slash + 1)
  if (subject === '') throw new Refusal(400, `Missing ${what}`)
  return subject
}

/** The verb of a path. */
export function verbOf({ rest }: AgentRequest): string {
  const slash = rest.indexOf('/')
  return slash < 0 ? rest : rest.slice(0, slash)
}

/** A yes or no in the query, as Go reads it; a name alone is a yes. */
export function isWanted(query: Query, name: string): boolean {
  const value = query.get(name)
  if (value === undefined) return false
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw new Refusal(400, `Invalid value for ?${name}`)
}

function hasTags({ Tags }: CatalogService, wanted: readonly string[]): boolean {
  return wanted.every((tag) => Tags.some((one) => one.toLowerCase() === tag))
}
