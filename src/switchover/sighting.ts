import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { serviceHealth } from '../consul/instances.ts'
import { type Direction, type Flag, type FlagValue, NO_FLAG } from './flags.ts'
import type { HealthWatch } from './health-watch.ts'
import { writePlan } from './journal.ts'
import type { Plan, Swap } from './plan.ts'
import type { Report, Sight } from './protocol.ts'
import type { Handled } from './report.ts'
import type { NodeAt } from './roles.ts'
import { type Side, sideOf, swapped } from './side.ts'
import { type Cluster, reachSite, readSite, type Site } from './site.ts'

/** What is to be seen of one plan in all of its datacenters, with the indexes that a change depends on. */
export class Sighting implements Sight {
  readonly #plan: Plan
  readonly #sites: ReadonlyMap<string, Site>
  readonly #judged: ReadonlyMap<string, Report>

  readonly #key: string
  readonly #node: string

  /** `judged` says how nodes are that don't report, by `changeOf` their flags; `node` is who reads the cluster key. */
  constructor(plan: Plan, { key }: Cluster, node: string, sites: readonly Site[], judged: ReadonlyMap<string, Report>) {
    this.#plan = plan
    this.#key = key
    this.#node = node
    this.#sites = new Map(sites.map((site) => [site.datacenter, site]))
    this.#judged = judged
  }

  get sites(): Site[] {
    return [...this.#sites.values()]
  }

  site(datacenter: string): Site | undefined {
    return this.#sites.get(datacenter)
  }

  /** A flag with its index. */
  flagAt(direction: Direction, at: NodeAt): Flag {
    return this.site(at.datacenter)?.flag(at.node, direction) ?? NO_FLAG
  }

  flag(direction: Direction, at: NodeAt): FlagValue {
    return this.flagAt(direction, at).value
  }

  /** What the node made of the flag as it stands. */
  handled(direction: Direction, at: NodeAt): Handled | undefined {
    const handled = this.site(at.datacenter)?.report(at.node)[direction]
    return handled?.index === this.flagAt(direction, at).index ? handled : undefined
  }

  report(direction: Direction, at: NodeAt): Report {
    const site = this.site(at.datacenter)
    if (site && !isReporting(site, at)) return this.#judged.get(changeOf(site, direction, at)) ?? 'unknown'
    return this.handled(direction, at)?.outcome ?? 'behind'
  }

  roles(datacenter: string): Side | 'unreachable' {
    const site = this.site(datacenter)
    return site ? sideOf(this.#key, this.#node, this.swap(datacenter), site.cluster?.value) : 'unreachable'
  }

  /** What a swap makes of a datacenter's cluster key. */
  swapped(datacenter: string, to: 'before' | 'after'): string {
    return swapped(this.#key, this.#node, this.swap(datacenter), this.site(datacenter)?.cluster?.value, to)
  }

  isRecorded(datacenter: string): boolean {
    return this.site(datacenter)?.journal?.value === writePlan(this.#plan)
  }

  swap(datacenter: string): Swap {
    const swap = this.#plan.swaps.find((swap) => swap.datacenter === datacenter)
    if (!swap) throw new Error(`the plan has no datacenter ${datacenter}`)
    return swap
  }
}

/** A node that has ever told of a flag goes on doing so. */
function isReporting(site: Site, { node }: NodeAt): boolean {
  const { promote, demote } = site.report(node)
  return promote !== undefined || demote !== undefined
}

/** Names one change of a flag. */
function changeOf(site: Site, direction: Direction, { node, datacenter }: NodeAt): string {
  return `${datacenter} ${node} ${direction} ${site.flag(node, direction).index}`
}

/**
 * Looks at all datacenters of a plan. Those must answer that did when it was made: who isn't heard isn't done.
 * Rejects with a `Failure`.
 */
export async function look(
  ctx: Context,
  consul: Consul,
  cluster: Cluster,
  plan: Plan,
  self: NodeAt,
  healthWatch: HealthWatch,
): Promise<Sighting> {
  const reached = await Promise.all(
    plan.swaps.map(({ datacenter, isAssumed }) =>
      isAssumed && datacenter !== self.datacenter
        ? reachSite(ctx, consul, cluster, datacenter)
        : readSite(ctx, consul, cluster, datacenter),
    ),
  )
  const sites = reached.filter((site) => site !== undefined)
  const judged = new Map<string, Report>()
  for (const site of sites) await judgeSilent(ctx, cluster, plan, site, healthWatch, judged)
  return new Sighting(plan, cluster, self.node, sites, judged)
}

async function judgeSilent(
  ctx: Context,
  { service }: Cluster,
  { promote, demote }: Plan,
  site: Site,
  healthWatch: HealthWatch,
  judged: Map<string, Report>,
): Promise<void> {
  const here = [...promote, ...demote].filter(({ datacenter }) => datacenter === site.datacenter)
  const silent = here.filter((at) => !isReporting(site, at))
  if (silent.length === 0) return
  const healths = await serviceHealth(ctx, site.consul, service)
  for (const at of silent) {
    for (const direction of ['promote', 'demote'] as const) {
      const change = changeOf(site, direction, at)
      judged.set(change, healthWatch.judge(ctx, change, healths.get(at.node)))
    }
  }
}
