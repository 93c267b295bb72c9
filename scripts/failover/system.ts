import type { App } from './app.ts'
import type { KeeperOptions } from './keeper.ts'
import type { NodePlace } from './node-place.ts'

/** What a system runs on a node. */
export interface Parts {
  readonly app: App
  readonly keeper: KeeperOptions
}

/** A node of a cluster, as a system sees it. */
export interface Member {
  readonly name: string
  readonly place: NodePlace
  readonly app: App
}

export interface FailoverCluster {
  /** `http://host:port` of a Consul server. */
  readonly server: string
  readonly nodes: readonly Member[]
}

/** Whom a watch tells what it sees, whenever it has changed or not. */
export interface Sights {
  /** From now on this node has the lead; nobody, when it is undefined. */
  holder(node: string | undefined): void
  /** To these nodes clients go with their writes. */
  masters(nodes: readonly string[]): void
}

/** What keeps one of several nodes the master: ours, or one to compare ours with. */
export interface System {
  readonly name: string
  /** What the table calls it. */
  readonly title: string
  readonly application: 'redis' | 'postgres'
  readonly usesConsul: boolean
  /** Writes what a node is configured by; nothing is started yet. */
  prepare(place: NodePlace, cleanUp: AsyncDisposableStack): Promise<Parts>
  /** Watches who leads, by the system's own means, until the signal aborts; then it settles. */
  watch(cluster: FailoverCluster, sights: Sights, signal: AbortSignal): Promise<unknown>
  /** The master, when all others are there, fit to take over, and have nothing to catch up with. */
  steadyMaster(cluster: FailoverCluster): Promise<string | undefined>
  /** Has the master hand over to another node, as an operator does it. Rejects when that is refused. */
  handOver(cluster: FailoverCluster, master: Member): Promise<unknown>
  /** Cuts a node off from all others, where it isn't Consul that it depends on. */
  readonly isolation?: {
    cutOff(member: Member): Promise<void>
    heal(): Promise<void>
  }
  /** The processes beside the keeper that act for it when it is gone. */
  guardians?(member: Member): number[]
  /** Takes a node out of those that may lead, and back, as an operator does it. */
  readonly exclusion?: {
    exclude(cluster: FailoverCluster, member: Member): Promise<unknown>
    readmit(cluster: FailoverCluster, member: Member): Promise<unknown>
  }
}
