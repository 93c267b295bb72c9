import type { RolloutView } from '../overview/rollout-view.ts'
import type { SwitchView } from '../overview/switch-view.ts'
import type { RolloutRow, SwitchRow } from './scene.ts'
import { instantAs, line } from './texts.ts'

/** A rollout as a page is shown it. */
export function rolloutRow({ prefix, version, isForced, hosts, pauses, trouble }: RolloutView): RolloutRow {
  return {
    ...(prefix !== undefined && { prefix: line(prefix) }),
    version: line(version),
    isForced,
    hosts: hosts.map(({ why, ...host }) => ({ ...host, ...(why !== undefined && { why: line(why) }) })),
    pauses: pauses.map(line),
    ...(trouble !== undefined && { trouble: line(trouble) }),
  }
}

/** A switch as a page is shown it. */
export function switchRow({ service, plan, nodes, trouble }: SwitchView): SwitchRow {
  return {
    service: line(service),
    ...(plan && { by: line(plan.by), ...instantAs('sinceMs', plan.since) }),
    isBack: plan?.course === 'back' || plan?.undoes !== undefined,
    ...(plan?.why !== undefined && { why: line(plan.why) }),
    nodes: nodes.map(({ node, datacenter, direction, flag, handled, isSkipped }) => ({
      node: line(node),
      ...(datacenter !== undefined && { datacenter: line(datacenter) }),
      direction,
      flag: line(flag),
      ...(handled && { outcome: handled.outcome, ...(handled.note !== undefined && { note: line(handled.note) }) }),
      isSkipped,
    })),
    ...(trouble !== undefined && { trouble: line(trouble) }),
  }
}
