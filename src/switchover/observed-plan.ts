import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { serviceHealth } from '../consul/instances.ts'
import { type ClusterId, type ClusterSite, reachSite, readSite } from './cluster-site.ts'
import { type Direction, type Flag, type FlagValue, NO_FLAG } from './flags.ts'
import type { HealthJudge } from './health-judge.ts'
import type { HandledFlag } from './node-report.ts'
import type { Swap, SwitchPlan } from './plan.ts'
import { serializePlan } from './plan-store.ts'
import type { NodeProgress, PlanState } from './protocol.ts'
import type { NodeAt } from './roles.ts'
import { type RolesSide, rolesSide, swapped } from './roles-side.ts'

/** What is to be seen of one plan in all of its datacenters, with the indexes that a change depends on. */
export class ObservedPlan implements PlanState {
  readonly #plan: SwitchPlan
  readonly #sites: ReadonlyMap<string, ClusterSite>
  readonly #judged: ReadonlyMap<string, NodeProgress>

  readonly #key: string
  readonly #node: string

  /** `judged` says how nodes are that don't report, by `changeOf` their flags; `node` is who reads the cluster key. */
  constructor(
    plan: SwitchPlan,
    { key }: ClusterId,
    node: string,
    sites: readonly ClusterSite[],
    judged: ReadonlyMap<string, NodeProgress>,
  ) {
    this.#plan = plan
    this.#key = key
    this.#node = node
    this.#sites = new Map(sites.map((site) => [site.datacenter, site]))
    this.#judged = judged
  }

  get sites(): ClusterSite[] {
    return [...this.#sites.values()]
  }

  /** The plans that stand in the datacenters, this one or others. Throws a `malformed` failure for what is none. */
  get standing(): SwitchPlan[] {
    return this.sites.flatMap(({ plan }) => plan ?? [])
  }

  site(datacenter: string): ClusterSite | undefined {
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
  handled(direction: Direction, at: NodeAt): HandledFlag | undefined {
    const handled = this.site(at.datacenter)?.report(at.node)[direction]
    return handled?.index === this.flagAt(direction, at).index ? handled : undefined
  }

  progress(direction: Direction, at: NodeAt): NodeProgress {
    const site = this.site(at.datacenter)
    if (site && !isReporting(site, at)) return this.#judged.get(changeOf(site, direction, at)) ?? 'unknown'
    return this.handled(direction, at)?.outcome ?? 'behind'
  }

  roles(datacenter: string): RolesSide | 'unreachable' {
    const site = this.site(datacenter)
    return site ? rolesSide(this.#key, this.#node, this.swap(datacenter), site.cluster?.value) : 'unreachable'
  }

  /** What a swap makes of a datacenter's cluster key. */
  swapped(datacenter: string, to: 'before' | 'after'): string {
    return swapped(this.#key, this.#node, this.swap(datacenter), this.site(datacenter)?.cluster?.value, to)
  }

  isRecorded(datacenter: string): boolean {
    return this.site(datacenter)?.planEntry?.value === serializePlan(this.#plan)
  }

  swap(datacenter: string): Swap {
    const swap = this.#plan.swaps.find((swap) => swap.datacenter === datacenter)
    if (!swap) throw new Error(`the plan has no datacenter ${datacenter}`)
    return swap
  }
}

/** A node that has ever told of a flag goes on doing so. */
function isReporting(site: ClusterSite, { node }: NodeAt): boolean {
  const { promote, demote } = site.report(node)
  return promote !== undefined || demote !== undefined
}

/** Names one change of a flag. */
function changeOf(site: ClusterSite, direction: Direction, { node, datacenter }: NodeAt): string {
  return `${datacenter} ${node} ${direction} ${site.flag(node, direction).index}`
}

/**
 * Looks at all datacenters of a plan. Those must answer that did when it was made: who isn't heard isn't done.
 * Rejects with a `Failure`.
 */
export async function observePlan(
  ctx: Context,
  consul: Consul,
  cluster: ClusterId,
  plan: SwitchPlan,
  self: NodeAt,
  healthWatch: HealthJudge,
): Promise<ObservedPlan> {
  const reached = await Promise.all(
    plan.swaps.map(({ datacenter, isAssumed }) =>
      isAssumed && datacenter !== self.datacenter
        ? reachSite(ctx, consul, cluster, datacenter)
        : readSite(ctx, consul, cluster, datacenter),
    ),
  )
  const sites = reached.filter((site) => site !== undefined)
  const judged = new Map<string, NodeProgress>()
  for (const site of sites) await judgeSilent(ctx, cluster, plan, site, healthWatch, judged)
  return new ObservedPlan(plan, cluster, self.node, sites, judged)
}

async function judgeSilent(
  ctx: Context,
  { service }: ClusterId,
  { promote, demote }: SwitchPlan,
  site: ClusterSite,
  healthWatch: HealthJudge,
  judged: Map<string, NodeProgress>,
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
