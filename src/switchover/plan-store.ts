import * as v from 'valibot'
import { Failure } from '../base/failure.ts'
import { storedAs, storedText } from '../consul/stored-value.ts'
import { serviceFolder } from './flags.ts'
import type { SwitchPlan } from './plan.ts'

/** Where the plan of a switch under way stands, in every datacenter that it changes. */
export function planKey(service: string): string {
  return `${serviceFolder(service)}switch`
}

export function serializePlan(plan: SwitchPlan): string {
  return JSON.stringify(plan)
}

const NODES = v.array(v.strictObject({ node: storedText, datacenter: storedText }))

/** A cluster key's text, whose length is that of its list of nodes. */
const TEXT = v.string()

/** Strict, and not what valibot makes of it: the plan is written back as it is, and compared with what stands there. */
const PLAN: v.GenericSchema<SwitchPlan> = v.strictObject({
  id: storedText,
  revision: v.pipe(v.number(), v.safeInteger()),
  course: v.picklist(['forward', 'back']),
  promote: NODES,
  demote: NODES,
  skipped: NODES,
  unfenced: v.exactOptional(NODES),
  swaps: v.array(
    v.strictObject({
      datacenter: storedText,
      before: TEXT,
      after: TEXT,
      isAssumed: v.exactOptional(v.boolean()),
    }),
  ),
  undoes: v.exactOptional(storedText),
  why: v.exactOptional(TEXT),
  by: storedText,
  since: storedText,
})

/** Reads a plan. Throws a `malformed` failure for a text that is none. */
export function parsePlan(key: string, text: string): SwitchPlan {
  const plan = storedAs(
    v.custom<SwitchPlan>((input) => v.is(PLAN, input)),
    text,
  )
  if (plan) return plan
  throw new Failure('malformed', `what stands at ${key} is no plan of a switch`, {
    hint: `see that no switch is under way, set all flags to NULL, and consul kv delete ${key}`,
  })
}

/**
 * Whether others have put another plan in this one's place, or have taken it away, as they may (`mayBeOver`) who had
 * the lock since it stood; `standing` is what stands in all datacenters. An older copy is our own doing, or that of
 * whoever began it.
 */
export function isSuperseded(plan: SwitchPlan, standing: readonly SwitchPlan[], mayBeOver: boolean): boolean {
  const copies = standing.filter(({ id }) => id === plan.id)
  const newest = newestPlan(copies)
  if (newest === undefined) return mayBeOver || standing.length > 0
  if (newest.revision !== plan.revision) return newest.revision > plan.revision
  return !copies.some((copy) => serializePlan(copy) === serializePlan(plan))
}

/** The newest of several copies. */
export function newestPlan(plans: readonly SwitchPlan[]): SwitchPlan | undefined {
  return plans.reduce<SwitchPlan | undefined>(
    (best, plan) => (best && best.revision >= plan.revision ? best : plan),
    undefined,
  )
}
