import type { CatalogCheck, CatalogService } from './catalog-records.ts'
import type { NodeEntry } from './catalog-table.ts'

/** A service in an answer, below its node. */
export function serviceJson({ CreateIndex, ModifyIndex, ...service }: CatalogService): object {
  return { ...service, Proxy: { MeshGateway: {}, Expose: {} }, Connect: {}, CreateIndex, ModifyIndex }
}

/** A check in an answer. */
export function checkJson({ CreateIndex, ModifyIndex, ...check }: CatalogCheck): object {
  return { ...check, Definition: {}, CreateIndex, ModifyIndex }
}

/** An instance of a service with what is to be known of its node, in one (structs.ServiceNode). */
export function serviceNodeJson({ node }: NodeEntry, service: CatalogService): object {
  const { ID, Node, Address, Datacenter, TaggedAddresses, Meta } = node
  return {
    ID,
    Node,
    Address,
    Datacenter,
    TaggedAddresses,
    NodeMeta: Meta,
    ServiceKind: '',
    ServiceID: service.ID,
    ServiceName: service.Service,
    ServiceTags: service.Tags,
    ServiceAddress: service.Address,
    ServiceWeights: service.Weights,
    ServiceMeta: service.Meta ?? {},
    ServicePort: service.Port,
    ServiceEnableTagOverride: service.EnableTagOverride,
    ServiceProxy: { MeshGateway: {}, Expose: {} },
    ServiceConnect: {},
    CreateIndex: service.CreateIndex,
    ModifyIndex: service.ModifyIndex,
  }
}

/** An instance of a service with its node and its checks (structs.CheckServiceNode). */
export function instanceJson(entry: NodeEntry, service: CatalogService): object {
  return {
    Node: entry.node,
    Service: serviceJson(service),
    Checks: checksOfInstance(entry, service).map(checkJson),
  }
}

/** The checks that an instance's health is made of: first its node's, then its own. */
export function checksOfInstance({ checks }: NodeEntry, service: CatalogService): CatalogCheck[] {
  const sorted = sortedChecks(checks.values())
  return ['', service.ID].flatMap((id) => sorted.filter((check) => check.ServiceID === id))
}

/** In the order of their ids. */
export function sortedChecks(checks: Iterable<CatalogCheck>): CatalogCheck[] {
  return [...checks].sort((a, b) => (a.CheckID < b.CheckID ? -1 : 1))
}

/** In the order of their ids. */
export function sortedServices(services: Iterable<CatalogService>): CatalogService[] {
  return [...services].sort((a, b) => (a.ID < b.ID ? -1 : 1))
}
