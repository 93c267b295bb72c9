import { Failure } from '../base/failure.ts'
import type { ClusterId } from './cluster-site.ts'
import type { Direction } from './flags.ts'
import type { ObservedPlan } from './observed-plan.ts'
import type { SwitchPlan } from './plan.ts'
import { newestPlan } from './plan-store.ts'
import { isAmong, type NodeAt } from './roles.ts'

const WHO = 'status shows who is primary'

/** Others were at a switch while the lock had left it: nothing of it is to be done any more, nor undone. */
export class Superseded extends Failure {
  /** By what was observed of the plan. */
  constructor(plan: SwitchPlan, { service }: ClusterId, observed: ObservedPlan) {
    const other = newestPlan(observed.standing)
    if (other) {
      super('conflict', inItsPlace(plan, other), {
        hint: `start-primary goes on with what stands there, start-primary --abort undoes it; ${WHO}`,
      })
      return
    }
    const raised = raisedFlags(plan, observed)
    super(
      'conflict',
      raised.length === 0
        ? 'the plan of this switch is gone: others ended it, or undid it'
        : 'the plan of this switch was deleted, and its flags still stand',
      { hint: raised.length === 0 ? WHO : `to clear them: ${commandsFor(service, raised).join(' && ')}; ${WHO}` },
    )
  }
}

function inItsPlace({ id }: SwitchPlan, other: SwitchPlan): string {
  return other.id === id
    ? 'others have gone on with this switch, and changed its plan'
    : `another switch stands in place of this one: ${other.by} began it at ${other.since}`
}

type RaisedFlag = readonly [Direction, NodeAt]

/**
 * The flags of the switch, unless its end has cleared them: that clears those of the nodes to promote, and then takes
 * the plan away. A demotion may stay raised for good.
 */
function raisedFlags(plan: SwitchPlan, observed: ObservedPlan): RaisedFlag[] {
  const stand = ([direction, at]: RaisedFlag) => observed.flag(direction, at) !== 'NULL'
  const promotions = plan.promote.map((at): RaisedFlag => ['promote', at]).filter(stand)
  if (promotions.length === 0) return []
  const demoted = plan.demote.filter((at) => !isAmong(at, plan.skipped))
  return [...promotions, ...demoted.map((at): RaisedFlag => ['demote', at]).filter(stand)]
}

function commandsFor(service: string, flags: readonly RaisedFlag[]): string[] {
  return flags.map(
    ([direction, { node, datacenter }]) =>
      `consul-locker ${direction} ${service} --node ${node} --datacenter ${datacenter} --set NULL`,
  )
}
