import type { Health } from '../../consul/health.ts'

type Texts = Readonly<Record<string, string>>

/** When a record came to be, and when it was last changed: raft indexes. */
export interface Indexed {
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** A node as it is registered, and as Consul shows it (agent/structs/structs.go, Node). */
export interface NodeDraft {
  /** A UUID; empty for a node without agent. */
  readonly ID: string
  readonly Node: string
  readonly Address: string
  readonly Datacenter: string
  readonly TaggedAddresses: Texts | null
  readonly Meta: Texts | null
}

/** A service of a node (NodeService). */
export interface ServiceDraft {
  readonly ID: string
  readonly Service: string
  readonly Tags: readonly string[]
  readonly Address: string
  readonly Meta: Texts | null
  readonly Port: number
  readonly Weights: { readonly Passing: number; readonly Warning: number }
  /** Others may change the tags in the catalog, and the agent leaves them as they are there. */
  readonly EnableTagOverride: boolean
}

/** A check of a node, or of one of its services (HealthCheck). */
export interface CheckDraft {
  readonly Node: string
  readonly CheckID: string
  readonly Name: string
  readonly Status: Health
  readonly Notes: string
  readonly Output: string
  /** Empty for one that is about the node. */
  readonly ServiceID: string
  readonly ServiceName: string
  readonly ServiceTags: readonly string[]
  readonly Type: string
}

export type CatalogNode = NodeDraft & Indexed
export type CatalogService = ServiceDraft & Indexed
export type CatalogCheck = CheckDraft & Indexed

/** What is registered together: a node, and if you like a service and checks on it. */
export interface Registration {
  readonly node: NodeDraft
  /** A node that is there already stays as it is. */
  readonly keepsNode?: boolean
  readonly service?: ServiceDraft
  readonly checks?: readonly CheckDraft[]
}

/** What is taken out: a service with its checks, a check, or without either the node with all that is on it. */
export interface Removal {
  readonly node: string
  readonly serviceId?: string
  readonly checkId?: string
}

/** A check that sessions can't depend on any more: it is critical, or gone. */
export interface LostCheck {
  readonly node: string
  readonly checkId: string
}
