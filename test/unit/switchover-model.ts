import { dutyOf } from '../../src/switchover/duty.ts'
import type { Direction, FlagValue } from '../../src/switchover/flags.ts'
import { newest, readPlan, writePlan } from '../../src/switchover/journal.ts'
import type { Plan } from '../../src/switchover/plan.ts'
import { nextStep, type Report, retreat, type Sight, type Step } from '../../src/switchover/protocol.ts'
import type { NodeReport } from '../../src/switchover/report.ts'
import type { NodeAt } from '../../src/switchover/roles.ts'

/** A node as it lives beside the switch: its services, and what it has told of its flags. */
interface ModelNode {
  readonly at: NodeAt
  alive: boolean
  runs: boolean
  /** Whether its services can be started. */
  sound: boolean
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
  readonly #actives: Record<string, readonly string[]>
  #index = 1

  constructor(plan: Plan) {
    const [swap] = plan.swaps
    this.#actives = {
      [swap?.before ?? '']: plan.demote.map(({ node }) => node),
      [swap?.after ?? '']: plan.promote.map(({ node }) => node),
    }
    for (const { datacenter, before } of plan.swaps) this.#roles.set(datacenter, before)
    const node = (runs: boolean) => (at: NodeAt) => ({ at, alive: true, runs, sound: true, mute: false, report: {} })
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
      roles: (datacenter) => {
        const swap = plan.swaps.find((swap) => swap.datacenter === datacenter)
        const text = this.#roles.get(datacenter)
        return text === swap?.before ? 'before' : text === swap?.after ? 'after' : 'other'
      },
      isRecorded: (datacenter) => this.journals.get(datacenter) === writePlan(plan),
    }
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
        this.#roles.set(step.datacenter, plan.swaps.find((s) => s.datacenter === step.datacenter)?.[step.to] ?? '')
        break
      case 'forget':
        this.journals.clear()
        break
      default:
        this.attend()
    }
  }

  /** Every living node does what its flags ask for, once. */
  attend(): void {
    for (const node of this.nodes) {
      for (const direction of ['demote', 'promote'] as const) if (node.alive) this.#attendOne(node, direction)
    }
  }

  #attendOne(node: ModelNode, direction: Direction): void {
    const flag = this.flag(direction, node.at)
    const text = this.#roles.get(node.at.datacenter) ?? ''
    const role = this.#actives[text]?.includes(node.at.node) ? 'active' : 'standby'
    const isFenced = this.flag('demote', node.at).value !== 'NULL'
    const duty = dutyOf(direction, flag, { report: node.report, role, isFenced })
    if (duty === 'nothing') return
    const failed = duty === 'start' && !node.sound
    if (duty === 'stop') node.runs = false
    if (duty === 'start' && !failed) node.runs = true
    const handled = { index: flag.index, value: flag.value, outcome: failed ? 'failed' : 'done' } as const
    node.report = { ...node.report, [direction]: handled }
    if (duty === 'stop' || duty === 'prepare') this.#set(direction, node.at, 'WAIT')
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
    const step = nextStep(current, sight)
    const isLate = JSON.stringify(steps.slice(-2)) === JSON.stringify([step, step])
    if (step.kind === 'confirm' && (isLate || sight.report(step.direction, step.at) === 'failed')) {
      current = retreat(current, sight, 'it failed') ?? fail('no way back')
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
