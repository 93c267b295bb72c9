import type { Direction, FlagValue } from './flags.ts'
import { type Plan, reversing, undoing } from './plan.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { Side } from './side.ts'

/** One step of a switch. Every one can be done twice, and what it changes is one transaction. */
export type Step =
  /** The plan is written down in a datacenter. */
  | { readonly kind: 'record'; readonly datacenter: string }
  /** A flag goes from NULL to START: its node begins. */
  | { readonly kind: 'raise'; readonly direction: Direction; readonly at: NodeAt }
  /** The node sets its flag to WAIT: it is ready, and one to demote has stopped. */
  | { readonly kind: 'await'; readonly direction: Direction; readonly at: NodeAt }
  /** A datacenter's cluster key gets the new roles, or gets back the old ones. */
  | { readonly kind: 'swap'; readonly datacenter: string; readonly to: 'before' | 'after' }
  /** A flag goes back to NULL: its node does what its role says now. */
  | { readonly kind: 'clear'; readonly direction: Direction; readonly at: NodeAt }
  /** The node tells that it has done so: one with an active role runs its services. */
  | { readonly kind: 'confirm'; readonly direction: Direction; readonly at: NodeAt }
  /** The plan is taken away everywhere. The last step. */
  | { readonly kind: 'forget' }

/**
 * What a node tells of the present value of its flag. One whose flags another program answers tells nothing; then its
 * service's health speaks for it, and it is unknown when that has none.
 */
export type Report = 'unknown' | 'behind' | 'done' | 'failed'

/** What is to be seen in Consul, which is all that decides the next step. */
export interface Sight {
  flag(direction: Direction, at: NodeAt): FlagValue
  report(direction: Direction, at: NodeAt): Report
  /** Which of the plan's roles stand at a datacenter's cluster key. */
  roles(datacenter: string): Side | 'unreachable'
  /** Whether this very plan is written down in a datacenter. */
  isRecorded(datacenter: string): boolean
}

/** All steps of a plan in their order: old stops, roles swap, new starts. */
export function stepsOf(plan: Plan): Step[] {
  const { promote, demote, swaps } = plan
  const datacenters = swaps.map(({ datacenter }) => datacenter)
  const each = (kind: 'raise' | 'await' | 'clear', direction: Direction, nodes: readonly NodeAt[]) =>
    nodes.map((at): Step => ({ kind, direction, at }))
  const release = (direction: Direction, nodes: readonly NodeAt[]) =>
    nodes.flatMap((at): Step[] => [
      { kind: 'clear', direction, at },
      { kind: 'confirm', direction, at },
    ])
  const swap = (to: 'before' | 'after') => datacenters.map((datacenter): Step => ({ kind: 'swap', datacenter, to }))
  const record = datacenters.map((datacenter): Step => ({ kind: 'record', datacenter }))
  if (plan.course === 'back') {
    return [
      ...record,
      ...swap('before').reverse(),
      ...each('clear', 'promote', promote),
      ...release('demote', demote),
      { kind: 'forget' },
    ]
  }
  // What the switch that this one takes back had raised, and not come to clear.
  const leftOver = (direction: Direction, nodes: readonly NodeAt[]) =>
    each('clear', direction, plan.undoes === undefined ? [] : nodes)
  return [
    ...record,
    ...leftOver('demote', promote),
    ...each('raise', 'promote', promote),
    ...each('raise', 'demote', demote),
    ...each('await', 'demote', demote),
    ...each('await', 'promote', promote),
    ...swap('after'),
    ...each('clear', 'demote', demote),
    ...leftOver('promote', demote),
    ...release('promote', promote),
    { kind: 'forget' },
  ]
}

/** The first step that isn't done, by what is seen; whoever comes after a crash finds the same one. */
export function nextStep(plan: Plan, sight: Sight): Step {
  return stepsOf(plan).find((step) => !isDone(plan, step, sight)) ?? { kind: 'forget' }
}

function isDone(plan: Plan, step: Step, sight: Sight): boolean {
  const isSkipped = 'at' in step && isAmong(step.at, plan.skipped)
  const isLost = (datacenter: string) => sight.roles(datacenter) === 'unreachable'
  if ('at' in step && isLost(step.at.datacenter)) return true
  switch (step.kind) {
    case 'record':
      return isLost(step.datacenter) || sight.isRecorded(step.datacenter)
    case 'raise':
      return sight.roles(step.at.datacenter) !== 'before' || sight.flag(step.direction, step.at) !== 'NULL'
    case 'await':
      return isSkipped || haveSwapped(plan, sight) || sight.flag(step.direction, step.at) === 'WAIT'
    case 'swap':
      return isLost(step.datacenter) || sight.roles(step.datacenter) === step.to
    case 'clear':
      return isFence(plan, step, sight) || sight.flag(step.direction, step.at) === 'NULL'
    case 'confirm':
      return isSkipped || ['done', 'unknown'].includes(sight.report(step.direction, step.at))
    case 'forget':
      return false
  }
}

/** A dead node's demotion stays raised: it stops its services when it comes back. */
function isFence(plan: Plan, { direction, at }: Step & { kind: 'clear' }, sight: Sight): boolean {
  const isDead = plan.course === 'forward' && direction === 'demote' && isAmong(at, plan.skipped)
  return isDead && sight.flag('demote', at) === 'START'
}

/** Whether any datacenter has its new roles; then all that comes before was done. */
function haveSwapped(plan: Plan, sight: Sight): boolean {
  return plan.swaps.some(({ datacenter }) => sight.roles(datacenter) === 'after')
}

/** Whether no node runs the service, as far as nodes tell; one that may still run it does. */
export function runsNowhere(plan: Plan, sight: Sight): boolean {
  const hasSwapped = haveSwapped(plan, sight)
  const hasStarted = (direction: Direction, at: NodeAt) => ['done', 'unknown'].includes(sight.report(direction, at))
  const isPromoted = (at: NodeAt) => hasSwapped && sight.flag('promote', at) === 'NULL' && hasStarted('promote', at)
  const isLeft = (at: NodeAt) => {
    const flag = sight.flag('demote', at)
    if (flag !== 'NULL' || isAmong(at, plan.skipped)) return flag === 'START' && !isAmong(at, plan.skipped)
    return plan.course === 'back' ? hasStarted('demote', at) : !hasSwapped
  }
  return !plan.promote.some(isPromoted) && !plan.demote.some(isLeft)
}

/** Which of the plan's roles stood last in each datacenter where any of them did. */
export type LastKnown = ReadonlyMap<string, 'before' | 'after'>

/**
 * The datacenter whose roles somebody else has changed, and what to do about it. While a switch is under way the roles
 * are its own affair, for nodes do what their role is: before it has set the new ones it is undone, and after that it
 * sets them again. What stood there before may not be known; then it is for people to say.
 */
export function disputed(plan: Plan, sight: Sight, known: LastKnown): Dispute | undefined {
  const datacenter = plan.swaps.map((swap) => swap.datacenter).find((dc) => sight.roles(dc) === 'other')
  if (datacenter === undefined || plan.course === 'back') return undefined
  const last = known.get(datacenter)
  return { datacenter, answer: last === undefined ? 'ask' : last === 'after' ? 'restore' : 'undo' }
}

export interface Dispute {
  readonly datacenter: string
  readonly answer: 'undo' | 'restore' | 'ask'
}

/** Datacenters that are out of reach, and get their new roles later. */
export function owed(plan: Plan, sight: Sight): string[] {
  return plan.swaps.map(({ datacenter }) => datacenter).filter((dc) => sight.roles(dc) === 'unreachable')
}

/** The new primaries of which nobody can tell whether their services run. */
export function untold(plan: Plan, sight: Sight): string[] {
  return plan.promote.filter((at) => sight.report('promote', at) === 'unknown').map(({ node }) => node)
}

/**
 * How a switch that failed ends with exactly one side running: turned round while no flag was cleared under the new
 * roles, or else by a switch in the other direction. `undefined` when neither is possible.
 */
export function retreat(plan: Plan, sight: Sight, why: string): Plan | undefined {
  if (plan.course === 'back') return undefined
  return haveBeenReleased(plan, sight) ? reversing(plan, why) : undoing(plan, why)
}

/** A node whose flag was cleared has done what its new role is, and would not hear of the old one coming back. */
function haveBeenReleased(plan: Plan, sight: Sight): boolean {
  if (!haveSwapped(plan, sight)) return false
  const demoted = plan.demote.filter((at) => !isAmong(at, plan.skipped))
  const isCleared = (direction: Direction) => (at: NodeAt) => sight.flag(direction, at) === 'NULL'
  return plan.promote.some(isCleared('promote')) || demoted.some(isCleared('demote'))
}
