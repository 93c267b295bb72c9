import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { type Direction, type Flag, flagKey, parseFlag, serviceFolder } from './flags.ts'
import { matchesName } from './name-pattern.ts'
import { type NodeReport, parseReport, reportKey } from './node-report.ts'
import type { SwitchPlan } from './plan.ts'
import { parsePlan, planKey } from './plan-store.ts'

/** What a service is known by in Consul. */
export interface ClusterId {
  readonly service: string
  /** `<clusterKey>/<service>` */
  readonly key: string
  /** Of a datacenter that is active or standby as a whole only nodes with such names belong to it: a pattern. */
  readonly nodes?: string | undefined
}

/** Whether a node that has the service may belong to a cluster of whole datacenters. */
export function belongs({ nodes }: ClusterId, node: string): boolean {
  return nodes === undefined || matchesName(nodes, node)
}

/** One datacenter's keys of a service, as they were at one reading. */
export class ClusterSite {
  readonly datacenter: string
  readonly consul: Consul
  /** What stands at the cluster key. */
  readonly cluster: Entry | undefined
  readonly #service: string
  readonly #entries: ReadonlyMap<string, Entry>

  constructor(service: string, at: Pick<ClusterSite, 'datacenter' | 'consul' | 'cluster'>, entries: readonly Entry[]) {
    this.#service = service
    this.datacenter = at.datacenter
    this.consul = at.consul
    this.cluster = at.cluster
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]))
  }

  /** The nodes that have flags or a report here. */
  get nodes(): string[] {
    const names = [...this.#entries.keys()].map((key) => key.slice(serviceFolder(this.#service).length).split('/'))
    return names.filter(({ length }) => length > 1).map(([name = '']) => name)
  }

  flag(node: string, direction: Direction): Flag {
    const key = flagKey(this.#service, node, direction)
    return parseFlag(key, this.#entries.get(key))
  }

  report(node: string): NodeReport {
    return parseReport(this.#entries.get(reportKey(this.#service, node))?.value)
  }

  get planEntry(): Entry | undefined {
    return this.#entries.get(planKey(this.#service))
  }

  get plan(): SwitchPlan | undefined {
    const key = planKey(this.#service)
    return this.planEntry && parsePlan(key, this.planEntry.value)
  }
}

/** Reads a datacenter. Rejects with a `Failure`. */
export async function readSite(
  ctx: Context,
  consul: Consul,
  cluster: ClusterId,
  datacenter: string,
): Promise<ClusterSite> {
  const there = consul.inDatacenter(datacenter)
  // A server that doesn't know yet that another leads would have a plan gone that was written a moment ago.
  const [entries, { entry }] = await Promise.all([
    readKeys(ctx, there, serviceFolder(cluster.service), { consistent: true }),
    readKey(ctx, there, cluster.key, { consistent: true }),
  ])
  return new ClusterSite(cluster.service, { datacenter, consul: there, cluster: entry }, entries)
}

/** Reads a datacenter; `undefined` when it is out of reach. */
export async function reachSite(
  ctx: Context,
  consul: Consul,
  cluster: ClusterId,
  datacenter: string,
): Promise<ClusterSite | undefined> {
  try {
    return await readSite(ctx, consul, cluster, datacenter)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure) || thrown.code === 'malformed') throw thrown
    ctx.log.debug(`the datacenter ${datacenter} is out of reach: ${thrown.message}`)
    return undefined
  }
}
