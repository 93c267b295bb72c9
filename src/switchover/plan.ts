import { isAmong, type NodeAt } from './roles.ts'

/** The change of one datacenter's cluster key, as the texts that were found and planned. */
export interface Swap {
  readonly datacenter: string
  readonly before: string
  readonly after: string
  /** It was out of reach when the plan was made, and the texts are those of another one. */
  readonly isAssumed?: boolean
}

/**
 * One switch of roles, as it is kept in Consul from its first step to its last, so that anybody can resume it.
 * `forward` makes the nodes to promote primary; `back` undoes that before any of them has acted.
 */
export interface SwitchPlan {
  readonly id: string
  /** Grows with every change of the plan; of two copies the higher one counts. */
  readonly revision: number
  readonly course: 'forward' | 'back'
  readonly promote: readonly NodeAt[]
  readonly demote: readonly NodeAt[]
  /**
   * Nodes to demote that are dead: not waited for, and their demotion stays raised until they have stopped. On the way
   * back: nodes that don't start again.
   */
  readonly skipped: readonly NodeAt[]
  /** Those of them that are to be fenced before the roles change. */
  readonly unfenced?: readonly NodeAt[]
  readonly swaps: readonly Swap[]
  /** The switch that this one takes back, because its new primary didn't start. */
  readonly undoes?: string
  /** Why it is being undone, for people. */
  readonly why?: string
  /** Who began it and when, for people. */
  readonly by: string
  readonly since: string
}

/** Whether the plan is the way back from a switch that failed. */
export function isRollback({ course, undoes }: SwitchPlan): boolean {
  return course === 'back' || undoes !== undefined
}

/** Who is primary when a retreat has ended: a way back that was itself undone leaves the new one. */
export function primaryAfter({ course, undoes }: SwitchPlan): 'old' | 'new' {
  return course === 'back' && undoes !== undefined ? 'new' : 'old'
}

/** The plan without waiting for this node any longer. */
export function withoutWaiting(plan: SwitchPlan, at: NodeAt): SwitchPlan {
  return { ...plan, revision: plan.revision + 1, skipped: [...plan.skipped, at] }
}

/** The plan in which this node is to be fenced before the roles change. */
export function withFence(plan: SwitchPlan, at: NodeAt): SwitchPlan {
  return { ...plan, revision: plan.revision + 1, unfenced: [...(plan.unfenced ?? []), at] }
}

/** The plan in which these nodes are known to be off. */
export function fenced(plan: SwitchPlan, nodes: readonly NodeAt[]): SwitchPlan {
  const unfenced = plan.unfenced?.filter((at) => !isAmong(at, nodes)) ?? []
  return { ...plan, revision: plan.revision + 1, unfenced }
}

/** The plan without these datacenters, until they are back. */
export function withAssumed(plan: SwitchPlan, unreachable: readonly string[]): SwitchPlan {
  const isNew = ({ datacenter, isAssumed }: Swap) => !isAssumed && unreachable.includes(datacenter)
  if (!plan.swaps.some(isNew)) return plan
  const swaps = plan.swaps.map((swap) => (isNew(swap) ? { ...swap, isAssumed: true } : swap))
  return { ...plan, revision: plan.revision + 1, swaps }
}

/** The plan turned round, before any node has acted in its new role. */
export function turnedBack(plan: SwitchPlan, why: string): SwitchPlan {
  return { ...plan, revision: plan.revision + 1, course: 'back', why }
}

/**
 * The switch that takes this one back when nodes may have acted in their new roles already: the same protocol with the
 * sides exchanged. `undefined` when there is nobody to go back to, or when this is such a switch itself.
 */
export function reversed(plan: SwitchPlan, why: string): SwitchPlan | undefined {
  const promote = plan.demote.filter((at) => !isAmong(at, plan.skipped))
  if (promote.length === 0 || plan.undoes !== undefined) return undefined
  return {
    ...plan,
    revision: plan.revision + 1,
    promote,
    demote: plan.promote,
    skipped: [],
    ...(plan.unfenced ? { unfenced: [] } : {}),
    swaps: plan.swaps.map((swap) => ({ ...swap, before: swap.after, after: swap.before })),
    undoes: plan.id,
    why,
  }
}
