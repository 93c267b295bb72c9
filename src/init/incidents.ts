import { messageOf } from '../base/failure.ts'
import type { Direction } from '../switchover/flags.ts'
import type { Ground } from '../switchover/ground.ts'
import type { Plan } from '../switchover/plan.ts'
import { runsNowhere } from '../switchover/protocol.ts'
import { isAmong } from '../switchover/roles.ts'
import { Sighting } from '../switchover/sighting.ts'
import type { Site } from '../switchover/site.ts'
import { begunPlan } from '../switchover/start-primary.ts'

/** What stands at a cluster and is no good, in sentences: a switch that isn't over, fences, and what nodes couldn't do. */
export function incidentsOf(ground: Ground): string[] {
  const plan = begunPlan(ground)
  const standing = plan && `a switch that ${plan.by} began at ${plan.since} is not over yet`
  const setbacks = ground.sites.flatMap((site) =>
    [...new Set(site.nodes)].flatMap((node) => setbacksOf(site, node, plan)),
  )
  return standing === undefined
    ? setbacks
    : [`${standing} (start-primary goes on with it, start-primary --abort undoes it)`, ...setbacks]
}

/**
 * Whether the switch that stands at a cluster has stopped the service and not started it yet. Its nodes know at once;
 * what a check says beside its status reaches Consul some minutes late (`check_update_interval`).
 */
export function leavesNobody(ground: Ground): boolean {
  const { cluster, self, sites } = ground
  const plan = begunPlan(ground)
  return plan !== undefined && runsNowhere(plan, new Sighting(plan, cluster, self.node, sites, new Map()))
}

/** What our own node couldn't do. */
export function ownSetbacks({ home, self }: Ground): string[] {
  return (['promote', 'demote'] as const).flatMap((direction) => setback(home, self.node, direction) ?? [])
}

function setbacksOf(site: Site, node: string, plan: Plan | undefined): string[] {
  try {
    const said = (['promote', 'demote'] as const).flatMap((direction) => setback(site, node, direction) ?? [])
    const isAwaited = plan !== undefined && !isAmong({ node, datacenter: site.datacenter }, plan.skipped)
    const isFenced = said.length === 0 && !isAwaited && site.flag(node, 'demote').value === 'START'
    return isFenced ? [`${node} is fenced, and has not stopped its services yet`] : said
  } catch (thrown) {
    return [messageOf(thrown)] // A flag that is none.
  }
}

function setback(site: Site, node: string, direction: Direction): string | undefined {
  const flag = site.flag(node, direction)
  const handled = site.report(node)[direction]
  if (handled?.outcome !== 'failed' || handled.index !== flag.index) return undefined
  const isFence = direction === 'demote' && flag.value === 'START'
  const what = isFence ? 'stop its services, and tries again' : 'start its services'
  return `${node} could not ${what}: ${handled.note ?? 'no reason given'}`
}
