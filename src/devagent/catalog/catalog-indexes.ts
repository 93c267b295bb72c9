/** The topic of whatever changes in the catalog. */
export const CATALOG_TOPIC = 'catalog'

/** The topic of a service: its instances, their checks, their nodes. */
export function serviceTopic(name: string): string {
  return `service/${name}`
}

/** The same as data. */
export interface IndexesImage {
  readonly nodes: number
  readonly services: number
  readonly checks: number
  readonly extinction: number
  readonly byService: readonly (readonly [string, number])[]
}

/**
 * The raft indexes of the last changes, by what they were about (agent/consul/state/catalog.go, maxIndexForService).
 */
export class CatalogIndexes {
  #nodes = 0
  #services = 0
  #checks = 0
  /** When a service last lost its last instance, whichever it was. */
  #extinction = 0
  readonly #byService = new Map<string, number>()
  #topics = new Set<string>()

  get ofNodes(): number {
    return this.#nodes
  }

  get ofServices(): number {
    return this.#services
  }

  get ofChecks(): number {
    return this.#checks
  }

  /** Of a service that may not be there. */
  ofService(name: string): number {
    return this.#byService.get(name) ?? (this.#extinction || Math.max(this.#nodes, this.#services))
  }

  get image(): IndexesImage {
    const [nodes, services, checks, extinction] = [this.#nodes, this.#services, this.#checks, this.#extinction]
    return { nodes, services, checks, extinction, byService: [...this.#byService] }
  }

  static of({ nodes, services, checks, extinction, byService }: IndexesImage): CatalogIndexes {
    const indexes = new CatalogIndexes()
    indexes.#nodes = nodes
    indexes.#services = services
    indexes.#checks = checks
    indexes.#extinction = extinction
    for (const [name, index] of byService) indexes.#byService.set(name, index)
    return indexes
  }

  nodes(index: number): void {
    this.#nodes = index
    this.#topics.add(CATALOG_TOPIC)
  }

  services(index: number): void {
    this.#services = index
    this.#topics.add(CATALOG_TOPIC)
  }

  checks(index: number): void {
    this.#checks = index
    this.#topics.add(CATALOG_TOPIC)
  }

  service(index: number, name: string): void {
    this.#byService.set(name, index)
    this.#topics.add(serviceTopic(name))
  }

  extinct(index: number, name: string): void {
    this.#byService.delete(name)
    this.#extinction = index
    this.#topics.add(serviceTopic(name))
  }

  /** The topics of what changed since this was last asked. */
  takeTopics(): readonly string[] {
    if (this.#topics.size === 0) return []
    const topics = [...this.#topics]
    this.#topics = new Set()
    return topics
  }
}
