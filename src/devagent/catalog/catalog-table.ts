import { CatalogIndexes } from './catalog-indexes.ts'
import type {
  CatalogCheck,
  CatalogNode,
  CatalogService,
  CheckDraft,
  Indexed,
  LostCheck,
  NodeDraft,
  Registration,
  Removal,
  ServiceDraft,
} from './catalog-records.ts'

/** A node with all that is registered on it. */
export interface NodeEntry {
  readonly node: CatalogNode
  readonly services: ReadonlyMap<string, CatalogService>
  readonly checks: ReadonlyMap<string, CatalogCheck>
}

interface Entry extends NodeEntry {
  node: CatalogNode
  readonly services: Map<string, CatalogService>
  readonly checks: Map<string, CatalogCheck>
}

/** What a change did: topics of those who wait, and checks that sessions have lost. */
export interface CatalogChanges {
  readonly topics: readonly string[]
  readonly lost: readonly LostCheck[]
}

/** The nodes, their services and checks (agent/consul/state/catalog.go). */
export class CatalogTable {
  readonly indexes: CatalogIndexes
  readonly #entries = new Map<string, Entry>()
  #lost: LostCheck[] = []

  constructor(indexes = new CatalogIndexes(), entries: readonly NodeEntry[] = []) {
    this.indexes = indexes
    for (const { node, services, checks } of entries) {
      this.#entries.set(node.Node, { node, services: new Map(services), checks: new Map(checks) })
    }
  }

  get(node: string): NodeEntry | undefined {
    return this.#entries.get(node)
  }

  /** In the order of the nodes' names. */
  list(): NodeEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.node.Node < b.node.Node ? -1 : 1))
  }

  /** Why a registration can't be done, in Consul's words. */
  obstacleTo({ node, service, checks = [] }: Registration): string | undefined {
    const known = this.#entries.get(node.Node)?.services
    const stray = checks.find(({ ServiceID: id }) => id !== '' && id !== service?.ID && !known?.has(id))
    return stray && `failed inserting check: Missing service registration on node ${JSON.stringify(node.Node)}`
  }

  /** Registers what isn't there as it is. `obstacleTo` has nothing against it. */
  register(index: number, { node, keepsNode = false, service, checks = [] }: Registration): CatalogChanges {
    const entry = this.#entryOf(index, node, keepsNode)
    if (service) this.#putService(index, entry, service)
    for (const check of checks) this.#putCheck(index, entry, check)
    return this.#changes()
  }

  /** What isn't there is no error. */
  remove(index: number, { node, serviceId, checkId }: Removal): CatalogChanges {
    const entry = this.#entries.get(node)
    if (entry && serviceId !== undefined) this.#removeService(index, entry, serviceId)
    else if (entry && checkId !== undefined) this.#removeCheck(index, entry, checkId)
    else if (entry) this.#removeNode(index, entry)
    return this.#changes()
  }

  #entryOf(index: number, draft: NodeDraft, keepsNode: boolean): Entry {
    const entry = this.#entries.get(draft.Node)
    if (entry && (keepsNode || isLike(entry.node, draft))) return entry
    const node = stamped(index, draft, entry?.node)
    const fresh = entry ?? { node, services: new Map(), checks: new Map() }
    fresh.node = node
    this.#entries.set(draft.Node, fresh)
    this.indexes.nodes(index)
    this.#touchServicesOf(index, fresh)
    return fresh
  }

  #putService(index: number, { services, checks }: Entry, draft: ServiceDraft): void {
    const before = services.get(draft.ID)
    if (before && isLike(before, draft)) return
    services.set(draft.ID, stamped(index, draft, before))
    if (before && before.Service !== draft.Service) this.indexes.service(index, before.Service)
    this.indexes.services(index)
    this.indexes.service(index, draft.Service)
    for (const check of checks.values()) {
      if (check.ServiceID !== draft.ID) continue
      checks.set(check.CheckID, { ...check, ServiceName: draft.Service, ServiceTags: draft.Tags, ModifyIndex: index })
    }
  }

  #putCheck(index: number, entry: Entry, draft: CheckDraft): void {
    const { services, checks } = entry
    const service = services.get(draft.ServiceID)
    const known = service ? { ...draft, ServiceName: service.Service, ServiceTags: service.Tags } : draft
    const before = checks.get(known.CheckID)
    if (known.Status === 'critical') this.#lost.push({ node: known.Node, checkId: known.CheckID })
    if (before && isLike(before, known)) return
    checks.set(known.CheckID, stamped(index, known, before))
    this.#touch(index, entry, known)
  }

  #removeNode(index: number, entry: Entry): void {
    for (const id of [...entry.services.keys()]) this.#removeService(index, entry, id)
    for (const id of [...entry.checks.keys()]) this.#removeCheck(index, entry, id)
    this.#entries.delete(entry.node.Node)
    this.indexes.nodes(index)
  }

  #removeService(index: number, entry: Entry, id: string): void {
    const service = entry.services.get(id)
    if (!service) return
    for (const check of [...entry.checks.values()]) {
      if (check.ServiceID === id) this.#removeCheck(index, entry, check.CheckID)
    }
    entry.services.delete(id)
    this.indexes.services(index)
    const name = service.Service
    const isLast = !this.list().some(({ services }) => [...services.values()].some((one) => one.Service === name))
    if (isLast) this.indexes.extinct(index, name)
    else this.indexes.service(index, name)
  }

  #removeCheck(index: number, entry: Entry, id: string): void {
    const check = entry.checks.get(id)
    if (!check) return
    entry.checks.delete(id)
    this.#lost.push({ node: check.Node, checkId: id })
    this.#touch(index, entry, check)
  }

  /** A node's own check is about all of its services. */
  #touch(index: number, entry: Entry, { ServiceID, ServiceName }: CheckDraft): void {
    this.indexes.checks(index)
    if (ServiceID !== '') this.indexes.service(index, ServiceName)
    else this.#touchServicesOf(index, entry)
  }

  #touchServicesOf(index: number, { services }: Entry): void {
    for (const { Service } of services.values()) this.indexes.service(index, Service)
  }

  #changes(): CatalogChanges {
    const lost = this.#lost
    this.#lost = []
    return { topics: this.indexes.takeTopics(), lost }
  }
}

/** Whether it is there already as it is drafted. Drafts of a kind have their fields in one order. */
function isLike<D extends object>(before: D & Indexed, draft: D): boolean {
  const { CreateIndex: _created, ModifyIndex: _modified, ...known } = before
  return JSON.stringify(known) === JSON.stringify(draft)
}

function stamped<D extends object>(index: number, draft: D, before: Indexed | undefined): D & Indexed {
  return { ...draft, CreateIndex: before?.CreateIndex ?? index, ModifyIndex: index }
}
