import { messageOf } from '../base/failure.ts'
import type { ClusterSite } from '../switchover/cluster-site.ts'
import type { ClusterView } from '../switchover/cluster-view.ts'
import type { Direction } from '../switchover/flags.ts'
import { ObservedPlan } from '../switchover/observed-plan.ts'
import type { SwitchPlan } from '../switchover/plan.ts'
import { runsNowhere } from '../switchover/protocol.ts'
import { isAmong } from '../switchover/roles.ts'
import { unfinishedPlan } from '../switchover/start-primary.ts'

/**
 * What stands at a cluster and is no good, in sentences: a switch that isn't over, fences, and what nodes couldn't do.
 */
export function problemsOf(view: ClusterView): string[] {
  const plan = unfinishedPlan(view)
  const unfinished = plan && `a switch that ${plan.by} began at ${plan.since} is not over yet`
  const failures = view.sites.flatMap((site) =>
    [...new Set(site.nodes)].flatMap((node) => failuresOf(site, node, plan)),
  )
  return unfinished === undefined
    ? failures
    : [`${unfinished} (start-primary goes on with it, start-primary --abort undoes it)`, ...failures]
}

/**
 * Whether the switch that stands at a cluster has stopped the service and not started it yet. Its nodes know at once;
 * what a check says beside its status reaches Consul some minutes late (`check_update_interval`).
 */
export function hasStoppedService(view: ClusterView): boolean {
  const { cluster, self, sites } = view
  const plan = unfinishedPlan(view)
  return plan !== undefined && runsNowhere(plan, new ObservedPlan(plan, cluster, self.node, sites, new Map()))
}

/** What our own node couldn't do. */
export function localFailures({ home, self }: ClusterView): string[] {
  return (['promote', 'demote'] as const).flatMap((direction) => failureOf(home, self.node, direction) ?? [])
}

function failuresOf(site: ClusterSite, node: string, plan: SwitchPlan | undefined): string[] {
  try {
    const said = (['promote', 'demote'] as const).flatMap((direction) => failureOf(site, node, direction) ?? [])
    const isAwaited = plan !== undefined && !isAmong({ node, datacenter: site.datacenter }, plan.skipped)
    const isFenced = said.length === 0 && !isAwaited && site.flag(node, 'demote').value === 'START'
    return isFenced ? [`${node} is fenced, and has not stopped its services yet`] : said
  } catch (thrown) {
    return [messageOf(thrown)] // A flag that is none.
  }
}

function failureOf(site: ClusterSite, node: string, direction: Direction): string | undefined {
  const flag = site.flag(node, direction)
  const handled = site.report(node)[direction]
  if (handled?.outcome !== 'failed' || handled.index !== flag.index) return undefined
  const isFence = direction === 'demote' && flag.value === 'START'
  const what = isFence ? 'stop its services, and tries again' : 'start its services'
  return `${node} could not ${what}: ${handled.note ?? 'no reason given'}`
}
