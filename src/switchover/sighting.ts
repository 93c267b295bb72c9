import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Direction, type Flag, type FlagValue, NO_FLAG } from './flags.ts'
import { writePlan } from './journal.ts'
import type { Plan, Swap } from './plan.ts'
import type { Report, Sight } from './protocol.ts'
import type { Handled } from './report.ts'
import type { NodeAt } from './roles.ts'
import { type Cluster, reachSite, readSite, type Site } from './site.ts'

/** What is to be seen of one plan in all of its datacenters, with the indexes that a change depends on. */
export class Sighting implements Sight {
  readonly #plan: Plan
  readonly #sites: ReadonlyMap<string, Site>

  constructor(plan: Plan, sites: readonly Site[]) {
    this.#plan = plan
    this.#sites = new Map(sites.map((site) => [site.datacenter, site]))
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
    const all = this.site(at.datacenter)?.report(at.node) ?? {}
    if (all.promote === undefined && all.demote === undefined) return 'silent'
    return this.handled(direction, at)?.outcome ?? 'behind'
  }

  roles(datacenter: string): 'before' | 'after' | 'other' | 'unreachable' {
    const site = this.site(datacenter)
    if (!site) return 'unreachable'
    const { before, after } = this.swap(datacenter)
    const text = site.cluster?.value
    if (text === before) return 'before'
    return text === after ? 'after' : 'other'
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

/**
 * Looks at all datacenters of a plan. Our own must answer; one of the others may be out of reach.
 * Rejects with a `Failure`.
 */
export async function look(
  ctx: Context,
  consul: Consul,
  cluster: Cluster,
  plan: Plan,
  home: string,
): Promise<Sighting> {
  const sites = await Promise.all(
    plan.swaps.map(({ datacenter }) =>
      datacenter === home ? readSite(ctx, consul, cluster, datacenter) : reachSite(ctx, consul, cluster, datacenter),
    ),
  )
  return new Sighting(
    plan,
    sites.filter((site) => site !== undefined),
  )
}
