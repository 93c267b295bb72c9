import { Failure } from '../base/failure.ts'
import { serviceFolder } from './flags.ts'
import type { Plan } from './plan.ts'

/** Where the plan of a switch under way stands, in every datacenter that it changes. */
export function journalKey(service: string): string {
  return `${serviceFolder(service)}switch`
}

export function writePlan(plan: Plan): string {
  return JSON.stringify(plan)
}

/** Reads a plan. Throws a `declined` failure for a text that is none. */
export function readPlan(key: string, text: string): Plan {
  try {
    const plan = JSON.parse(text) as Partial<Plan> | null
    if (Array.isArray(plan?.promote) && Array.isArray(plan.swaps)) return plan as Plan
  } catch {
    // Said below.
  }
  throw new Failure('declined', `what stands at ${key} is no plan of a switch`, {
    hint: `see that no switch is under way, set all flags to NULL, and consul kv delete ${key}`,
  })
}

/** The newest of several copies. */
export function newest(plans: readonly Plan[]): Plan | undefined {
  return plans.reduce<Plan | undefined>(
    (best, plan) => (best && best.revision >= plan.revision ? best : plan),
    undefined,
  )
}
