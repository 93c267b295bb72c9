import { flagActionFor } from '../../../src/switchover/flag-action.ts'
import type { Direction, FlagValue } from '../../../src/switchover/flags.ts'
import type { NodeReport } from '../../../src/switchover/node-report.ts'
import { fenced, type Swap, type SwitchPlan } from '../../../src/switchover/plan.ts'
import { newestPlan, parsePlan, serializePlan } from '../../../src/switchover/plan-store.ts'
import {
  type NodeProgress,
  nextStep,
  type PlanState,
  roleConflict,
  rollbackOf,
  type SwitchStep,
} from '../../../src/switchover/protocol.ts'
import { clusterRoleOf, type NodeAt, parseCluster } from '../../../src/switchover/roles.ts'
import { rolesSide, swapped } from '../../../src/switchover/roles-side.ts'

/** A node as it lives beside the switch: its services, and what it has told of its flags. */
interface ModelNode {
  readonly at: NodeAt
  alive: boolean
  runs: boolean
  /** Whether its services can be started. */
  sound: boolean
  /** So many times its services don't stop. */
  stuck: number
  /** Another program answers its flags, and reports nothing. */
  mute: boolean
  report: NodeReport
}

/** A cluster and its keys in memory, changed by the very steps of the protocol. */
export class Model {
  readonly nodes: ModelNode[]
  readonly plans = new Map<string, string>()
  readonly #roles = new Map<string, string>()
  readonly #flags = new Map<string, { value: FlagValue; index: number }>()
  readonly #known = new Map<string, 'before' | 'after'>()
  #index = 1

  constructor(plan: SwitchPlan) {
    for (const { datacenter, before } of plan.swaps) this.#roles.set(datacenter, before)
    const node = (runs: boolean) => (at: NodeAt) => ({
      at,
      alive: true,
      runs,
      sound: true,
      stuck: 0,
      mute: false,
      report: {},
    })
    this.nodes = [...plan.demote.map(node(true)), ...plan.promote.map(node(false))]
  }

  flag(direction: Direction, at: NodeAt) {
    return this.#flags.get(`${at.node}/${direction}`) ?? { value: 'NULL' as const, index: 0 }
  }

  /** The nodes whose services run. */
  get running(): string[] {
    return this.nodes.filter(({ runs }) => runs).map(({ at }) => at.node)
  }

  /** The plan that a newcomer finds. */
  get standingPlan(): SwitchPlan | undefined {
    return newestPlan([...this.plans.values()].map((text) => parsePlan('plan', text)))
  }

  state(plan: SwitchPlan): PlanState {
    return {
      flag: (direction, at) => this.flag(direction, at).value,
      progress: (direction, at) => this.#report(direction, at),
      roles: (datacenter) => rolesSide('cluster', '', swapOf(plan, datacenter), this.#roles.get(datacenter)),
      isRecorded: (datacenter) => this.plans.get(datacenter) === serializePlan(plan),
    }
  }

  /** What a switch does next that goes on from here, and has seen what was before: a step, or to turn back. */
  next(plan: SwitchPlan): SwitchStep | 'turn back' {
    const state = this.state(plan)
    for (const { datacenter } of plan.swaps) {
      const side = state.roles(datacenter)
      if (side === 'before' || side === 'after') this.#known.set(datacenter, side)
    }
    const conflict = roleConflict(plan, state, this.#known)
    if (conflict?.answer === 'restore') return { kind: 'swap', datacenter: conflict.datacenter, to: 'after' }
    return conflict ? 'turn back' : nextStep(plan, state)
  }

  /** Somebody edits the cluster keys. */
  edit(change: (text: string) => string): void {
    for (const [datacenter, text] of this.#roles) this.#roles.set(datacenter, change(text))
  }

  /** Another switch, or this one with its sides exchanged: what was known of the roles means something else now. */
  turned(): void {
    this.#known.clear()
  }

  #report(direction: Direction, at: NodeAt): NodeProgress {
    const node = this.nodes.find((node) => node.at.node === at.node)
    const isSilent = node?.report.promote === undefined && node?.report.demote === undefined
    if (node === undefined || node.mute || isSilent) return node?.runs ? 'done' : 'behind'
    const handled = node.report[direction]
    return handled?.index === this.flag(direction, at).index ? handled.outcome : 'behind'
  }

  /** Does a step; one that is waited for, the nodes do. */
  perform(plan: SwitchPlan, step: SwitchStep): void {
    switch (step.kind) {
      case 'record':
        this.plans.set(step.datacenter, serializePlan(plan))
        break
      case 'raise':
        this.#set(step.direction, step.at, 'START')
        break
      case 'clear':
        this.#set(step.direction, step.at, 'NULL')
        break
      case 'swap':
        this.#swap(plan, step.datacenter, step.to)
        break
      case 'forget':
        this.plans.clear()
        break
      default:
        this.handleFlags()
    }
  }

  /** The power of a node is cut. */
  fence(plan: SwitchPlan, at: NodeAt): SwitchPlan {
    for (const node of this.nodes.filter((node) => node.at.node === at.node))
      Object.assign(node, { alive: false, runs: false })
    return fenced(plan, [at])
  }

  #swap(plan: SwitchPlan, datacenter: string, to: 'before' | 'after'): void {
    const text = this.#roles.get(datacenter)
    this.#roles.set(datacenter, swapped('cluster', '', swapOf(plan, datacenter), text, to))
  }

  /** Every living node does what its flags ask for, once. */
  handleFlags(): void {
    for (const node of this.nodes) {
      for (const direction of ['demote', 'promote'] as const) if (node.alive) this.#attendOne(node, direction)
    }
  }

  #attendOne(node: ModelNode, direction: Direction): void {
    const flag = this.flag(direction, node.at)
    const role = this.#role(node.at)
    if (role === undefined && flag.value === 'NULL') return // It can't tell what it is to do.
    const isFenced = this.flag('demote', node.at).value !== 'NULL'
    const action = flagActionFor(direction, flag, { report: node.report, role: role ?? 'standby', isFenced })
    if (action === 'nothing') return
    const failed = (action === 'start' && !node.sound) || (action === 'stop' && node.stuck > 0)
    if (action === 'stop' && failed) node.stuck -= 1
    if (action === 'stop' && !failed) node.runs = false
    if (action === 'start' && !failed) node.runs = true
    const handled = { index: flag.index, value: flag.value, outcome: failed ? 'failed' : 'done' } as const
    node.report = { ...node.report, [direction]: handled }
    if (!failed && (action === 'stop' || action === 'prepare')) this.#set(direction, node.at, 'WAIT')
  }

  #role(at: NodeAt): 'active' | 'standby' | undefined {
    try {
      return clusterRoleOf(parseCluster('cluster', this.#roles.get(at.datacenter) ?? '', '').roles, at)
    } catch {
      return undefined
    }
  }

  #set(direction: Direction, at: NodeAt, value: FlagValue): void {
    this.#index += 1
    this.#flags.set(`${at.node}/${direction}`, { value, index: this.#index })
  }
}

/** Carries a plan on for at most so many steps, and settles with those done; a failed start turns it back. */
export function carryOn(
  model: Model,
  plan: SwitchPlan,
  limit: number,
  watch: (step: SwitchStep) => void,
): SwitchStep[] {
  const steps: SwitchStep[] = []
  let current = plan
  while (steps.length < limit) {
    const state = model.state(current)
    const next = model.next(current)
    if (next === 'turn back') {
      current = rollbackOf(current, state, 'it failed') ?? fail('no way back')
      continue
    }
    const step = next
    const isLate = JSON.stringify(steps.slice(-2)) === JSON.stringify([step, step])
    if (step.kind === 'confirm' && (isLate || state.progress(step.direction, step.at) === 'failed')) {
      current = rollbackOf(current, state, 'it failed') ?? fail('no way back')
      model.turned()
      continue
    }
    if (step.kind === 'fence') current = model.fence(current, step.at)
    else model.perform(current, step)
    steps.push(step)
    watch(step)
    if (step.kind === 'forget') return steps
    if (steps.length > 200) fail(`no end: ${JSON.stringify(step)}`)
  }
  return steps
}

/** Turns a plan back, and carries that on. */
export function turnBack(
  model: Model,
  plan: SwitchPlan,
  limit: number,
  watch: (step: SwitchStep) => void,
): SwitchStep[] {
  const back = rollbackOf(plan, model.state(plan), 'it failed')
  return back ? carryOn(model, back, limit, watch) : []
}

function fail(why: string): never {
  throw new Error(why)
}

function swapOf(plan: SwitchPlan, datacenter: string): Swap {
  return plan.swaps.find((swap) => swap.datacenter === datacenter) ?? fail(`no swap of ${datacenter}`)
}
