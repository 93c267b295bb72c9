import assert from 'node:assert'
import type { Direction, FlagValue } from './flags.ts'
import { reversed, type SwitchPlan, turnedBack } from './plan.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { RolesSide } from './roles-side.ts'

/** One step of a switch. Every one can be done twice, and what it changes is one transaction. */
export type SwitchStep =
  /** The plan is written down in a datacenter. */
  | { readonly kind: 'record'; readonly datacenter: string }
  /** A flag goes from NULL to START: its node begins. */
  | { readonly kind: 'raise'; readonly direction: Direction; readonly at: NodeAt }
  /** The node sets its flag to WAIT: it is ready, and one to demote has stopped. */
  | { readonly kind: 'await'; readonly direction: Direction; readonly at: NodeAt }
  /** The node is left out, and has to be off before its role goes to another. */
  | { readonly kind: 'fence'; readonly at: NodeAt }
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
export type NodeProgress = 'unknown' | 'behind' | 'done' | 'failed'

/** What is to be seen in Consul, which is all that decides the next step. */
export interface PlanState {
  flag(direction: Direction, at: NodeAt): FlagValue
  progress(direction: Direction, at: NodeAt): NodeProgress
  /** Which of the plan's roles stand at a datacenter's cluster key. */
  roles(datacenter: string): RolesSide | 'unreachable'
  /** Whether this very plan is written down in a datacenter. */
  isRecorded(datacenter: string): boolean
}

/** All steps of a plan in their order: old stops, roles swap, new starts. */
export function stepsOf(plan: SwitchPlan): SwitchStep[] {
  const { promote, demote, swaps, unfenced = [] } = plan
  const datacenters = swaps.map(({ datacenter }) => datacenter)
  const each = (kind: 'raise' | 'await' | 'clear', direction: Direction, nodes: readonly NodeAt[]) =>
    nodes.map((at): SwitchStep => ({ kind, direction, at }))
  const release = (direction: Direction, nodes: readonly NodeAt[]) =>
    nodes.flatMap((at): SwitchStep[] => [
      { kind: 'clear', direction, at },
      { kind: 'confirm', direction, at },
    ])
  const swap = (to: 'before' | 'after') =>
    datacenters.map((datacenter): SwitchStep => ({ kind: 'swap', datacenter, to }))
  const record = datacenters.map((datacenter): SwitchStep => ({ kind: 'record', datacenter }))
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
    ...unfenced.map((at): SwitchStep => ({ kind: 'fence', at })),
    ...swap('after'),
    ...each('clear', 'demote', demote),
    ...leftOver('promote', demote),
    ...release('promote', promote),
    { kind: 'forget' },
  ]
}

/** The first step that isn't done, by what is seen; whoever comes after a crash finds the same one. */
export function nextStep(plan: SwitchPlan, state: PlanState): SwitchStep {
  const step = stepsOf(plan).find((step) => !isDone(plan, step, state))
  assert(step, 'the last step is never done')
  if (step.kind === 'swap' && step.to === 'after') {
    assert(hasStopped(plan, state), 'no role goes to another while its node may run the service')
  }
  return step
}

/** Whether the nodes to demote have stopped, as far as they can be asked. */
function hasStopped(plan: SwitchPlan, state: PlanState): boolean {
  const cannotTell = (at: NodeAt) => isAmong(at, plan.skipped) || state.roles(at.datacenter) === 'unreachable'
  return haveSwapped(plan, state) || plan.demote.every((at) => cannotTell(at) || state.flag('demote', at) === 'WAIT')
}

function isDone(plan: SwitchPlan, step: SwitchStep, state: PlanState): boolean {
  const isSkipped = 'at' in step && isAmong(step.at, plan.skipped)
  const isLost = (datacenter: string) => state.roles(datacenter) === 'unreachable'
  if (step.kind === 'fence') return haveSwapped(plan, state) || state.flag('demote', step.at) === 'WAIT'
  if ('at' in step && isLost(step.at.datacenter)) return true
  switch (step.kind) {
    case 'record':
      return isLost(step.datacenter) || state.isRecorded(step.datacenter)
    case 'raise':
      return state.roles(step.at.datacenter) !== 'before' || state.flag(step.direction, step.at) !== 'NULL'
    case 'await':
      return isSkipped || haveSwapped(plan, state) || state.flag(step.direction, step.at) === 'WAIT'
    case 'swap':
      return isLost(step.datacenter) || state.roles(step.datacenter) === step.to
    case 'clear':
      return isFence(plan, step, state) || state.flag(step.direction, step.at) === 'NULL'
    case 'confirm':
      return isSkipped || ['done', 'unknown'].includes(state.progress(step.direction, step.at))
    case 'forget':
      return false
  }
}

/** A dead node's demotion stays raised: it stops its services when it comes back. */
function isFence(plan: SwitchPlan, { direction, at }: SwitchStep & { kind: 'clear' }, state: PlanState): boolean {
  const isDead = plan.course === 'forward' && direction === 'demote' && isAmong(at, plan.skipped)
  return isDead && state.flag('demote', at) === 'START'
}

/** Whether any datacenter has its new roles; then all that comes before was done. */
function haveSwapped(plan: SwitchPlan, state: PlanState): boolean {
  return plan.swaps.some(({ datacenter }) => state.roles(datacenter) === 'after')
}

/** Whether no node runs the service, as far as nodes tell; one that may still run it does. */
export function runsNowhere(plan: SwitchPlan, state: PlanState): boolean {
  const hasSwapped = haveSwapped(plan, state)
  const hasStarted = (direction: Direction, at: NodeAt) => ['done', 'unknown'].includes(state.progress(direction, at))
  const isPromoted = (at: NodeAt) => hasSwapped && state.flag('promote', at) === 'NULL' && hasStarted('promote', at)
  const isLeft = (at: NodeAt) => {
    const flag = state.flag('demote', at)
    if (flag !== 'NULL' || isAmong(at, plan.skipped)) return flag === 'START' && !isAmong(at, plan.skipped)
    return plan.course === 'back' ? hasStarted('demote', at) : !hasSwapped
  }
  return !plan.promote.some(isPromoted) && !plan.demote.some(isLeft)
}

/** Which of the plan's roles stood last in each datacenter where any of them did. */
export type LastKnownRoles = ReadonlyMap<string, 'before' | 'after'>

/**
 * The datacenter whose roles somebody else has changed, and what to do about it. While a switch is under way the roles
 * are its own affair, for nodes do what their role is: before it has set the new ones it is undone, and after that it
 * sets them again. What stood there before may not be known; then it is for people to say.
 */
export function roleConflict(plan: SwitchPlan, state: PlanState, known: LastKnownRoles): RoleConflict | undefined {
  const datacenter = plan.swaps.map((swap) => swap.datacenter).find((dc) => state.roles(dc) === 'other')
  if (datacenter === undefined || plan.course === 'back') return undefined
  const last = known.get(datacenter)
  return { datacenter, answer: last === undefined ? 'ask' : last === 'after' ? 'restore' : 'undo' }
}

export interface RoleConflict {
  readonly datacenter: string
  readonly answer: 'undo' | 'restore' | 'ask'
}

/** Datacenters that are out of reach, and get their new roles later. */
export function pendingDatacenters(plan: SwitchPlan, state: PlanState): string[] {
  return plan.swaps.map(({ datacenter }) => datacenter).filter((dc) => state.roles(dc) === 'unreachable')
}

/** The new primaries of which nobody can tell whether their services run. */
export function unconfirmedNodes(plan: SwitchPlan, state: PlanState): string[] {
  return plan.promote.filter((at) => state.progress('promote', at) === 'unknown').map(({ node }) => node)
}

/**
 * How a switch that failed ends with exactly one side running: turned round while no flag was cleared under the new
 * roles, or else by a switch in the other direction. `undefined` when neither is possible.
 */
export function rollbackOf(plan: SwitchPlan, state: PlanState, why: string): SwitchPlan | undefined {
  if (plan.course === 'back') return undefined
  return haveBeenReleased(plan, state) ? reversed(plan, why) : turnedBack(plan, why)
}

/** A node whose flag was cleared has done what its new role is, and would not hear of the old one coming back. */
function haveBeenReleased(plan: SwitchPlan, state: PlanState): boolean {
  if (!haveSwapped(plan, state)) return false
  const demoted = plan.demote.filter((at) => !isAmong(at, plan.skipped))
  const isCleared = (direction: Direction) => (at: NodeAt) => state.flag(direction, at) === 'NULL'
  return plan.promote.some(isCleared('promote')) || demoted.some(isCleared('demote'))
}
