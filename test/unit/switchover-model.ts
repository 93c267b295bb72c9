import { dutyOf } from '../../src/switchover/duty.ts'
import type { Direction, FlagValue } from '../../src/switchover/flags.ts'
import { newest, readPlan, writePlan } from '../../src/switchover/journal.ts'
import type { Plan, Swap } from '../../src/switchover/plan.ts'
import { disputed, nextStep, type Report, retreat, type Sight, type Step } from '../../src/switchover/protocol.ts'
import type { NodeReport } from '../../src/switchover/report.ts'
import { type NodeAt, parseCluster, roleOf } from '../../src/switchover/roles.ts'
import { sideOf, swapped } from '../../src/switchover/side.ts'

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
  readonly journals = new Map<string, string>()
  readonly #roles = new Map<string, string>()
  readonly #flags = new Map<string, { value: FlagValue; index: number }>()
  readonly #known = new Map<string, 'before' | 'after'>()
  #index = 1

  constructor(plan: Plan) {
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
  get journal(): Plan | undefined {
    return newest([...this.journals.values()].map((text) => readPlan('journal', text)))
  }

  sight(plan: Plan): Sight {
    return {
      flag: (direction, at) => this.flag(direction, at).value,
      report: (direction, at) => this.#report(direction, at),
      roles: (datacenter) => sideOf('cluster', '', swapOf(plan, datacenter), this.#roles.get(datacenter)),
      isRecorded: (datacenter) => this.journals.get(datacenter) === writePlan(plan),
    }
  }

  /** What a switch does next that goes on from here, and has seen what was before: a step, or to turn back. */
  next(plan: Plan): Step | 'turn back' {
    const sight = this.sight(plan)
    for (const { datacenter } of plan.swaps) {
      const side = sight.roles(datacenter)
      if (side === 'before' || side === 'after') this.#known.set(datacenter, side)
    }
    const dispute = disputed(plan, sight, this.#known)
    if (dispute?.answer === 'restore') return { kind: 'swap', datacenter: dispute.datacenter, to: 'after' }
    return dispute ? 'turn back' : nextStep(plan, sight)
  }

  /** Somebody edits the cluster keys. */
  edit(change: (text: string) => string): void {
    for (const [datacenter, text] of this.#roles) this.#roles.set(datacenter, change(text))
  }

  /** Another switch, or this one with its sides exchanged: what was known of the roles means something else now. */
  turned(): void {
    this.#known.clear()
  }

  #report(direction: Direction, at: NodeAt): Report {
    const node = this.nodes.find((node) => node.at.node === at.node)
    const isSilent = node?.report.promote === undefined && node?.report.demote === undefined
    if (node === undefined || node.mute || isSilent) return node?.runs ? 'done' : 'behind'
    const handled = node.report[direction]
    return handled?.index === this.flag(direction, at).index ? handled.outcome : 'behind'
  }

  /** Does a step; one that is waited for, the nodes do. */
  perform(plan: Plan, step: Step): void {
    switch (step.kind) {
      case 'record':
        this.journals.set(step.datacenter, writePlan(plan))
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
        this.journals.clear()
        break
      default:
        this.attend()
    }
  }

  #swap(plan: Plan, datacenter: string, to: 'before' | 'after'): void {
    const text = this.#roles.get(datacenter)
    this.#roles.set(datacenter, swapped('cluster', '', swapOf(plan, datacenter), text, to))
  }

  /** Every living node does what its flags ask for, once. */
  attend(): void {
    for (const node of this.nodes) {
      for (const direction of ['demote', 'promote'] as const) if (node.alive) this.#attendOne(node, direction)
    }
  }

  #attendOne(node: ModelNode, direction: Direction): void {
    const flag = this.flag(direction, node.at)
    const role = this.#role(node.at)
    if (role === undefined && flag.value === 'NULL') return // It can't tell what it is to do.
    const isFenced = this.flag('demote', node.at).value !== 'NULL'
    const duty = dutyOf(direction, flag, { report: node.report, role: role ?? 'standby', isFenced })
    if (duty === 'nothing') return
    const failed = (duty === 'start' && !node.sound) || (duty === 'stop' && node.stuck > 0)
    if (duty === 'stop' && failed) node.stuck -= 1
    if (duty === 'stop' && !failed) node.runs = false
    if (duty === 'start' && !failed) node.runs = true
    const handled = { index: flag.index, value: flag.value, outcome: failed ? 'failed' : 'done' } as const
    node.report = { ...node.report, [direction]: handled }
    if (!failed && (duty === 'stop' || duty === 'prepare')) this.#set(direction, node.at, 'WAIT')
  }

  #role(at: NodeAt): 'active' | 'standby' | undefined {
    try {
      return roleOf(parseCluster('cluster', this.#roles.get(at.datacenter) ?? '', '').roles, at)
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
export function carryOn(model: Model, plan: Plan, limit: number, watch: (step: Step) => void): Step[] {
  const steps: Step[] = []
  let current = plan
  while (steps.length < limit) {
    const sight = model.sight(current)
    const next = model.next(current)
    if (next === 'turn back') {
      current = retreat(current, sight, 'it failed') ?? fail('no way back')
      continue
    }
    const step = next
    const isLate = JSON.stringify(steps.slice(-2)) === JSON.stringify([step, step])
    if (step.kind === 'confirm' && (isLate || sight.report(step.direction, step.at) === 'failed')) {
      current = retreat(current, sight, 'it failed') ?? fail('no way back')
      model.turned()
      continue
    }
    model.perform(current, step)
    steps.push(step)
    watch(step)
    if (step.kind === 'forget') return steps
    if (steps.length > 200) fail(`no end: ${JSON.stringify(step)}`)
  }
  return steps
}

/** Turns a plan back, and carries that on. */
export function turnBack(model: Model, plan: Plan, limit: number, watch: (step: Step) => void): Step[] {
  const back = retreat(plan, model.sight(plan), 'it failed')
  return back ? carryOn(model, back, limit, watch) : []
}

function fail(why: string): never {
  throw new Error(why)
}

function swapOf(plan: Plan, datacenter: string): Swap {
  return plan.swaps.find((swap) => swap.datacenter === datacenter) ?? fail(`no swap of ${datacenter}`)
}
