import { Failure } from '../base/failure.ts'
import type { SwitchPlan } from './plan.ts'
import { newestPlan } from './plan-store.ts'

/** Others were at a switch while the lock had left it: nothing of it is to be done any more, nor undone. */
export class Superseded extends Failure {
  /** `standing` is what stands in place of the plan. */
  constructor(plan: SwitchPlan, standing: readonly SwitchPlan[]) {
    const other = newestPlan(standing)
    super(
      'conflict',
      other ? inItsPlace(plan, other) : 'the plan of this switch is gone: others ended it, or undid it',
      {
        hint: other
          ? 'start-primary goes on with what stands there, start-primary --abort undoes it; status shows who is primary'
          : 'status shows who is primary',
      },
    )
  }
}

function inItsPlace({ id }: SwitchPlan, other: SwitchPlan): string {
  return other.id === id
    ? 'others have gone on with this switch, and changed its plan'
    : `another switch stands in place of this one: ${other.by} began it at ${other.since}`
}
