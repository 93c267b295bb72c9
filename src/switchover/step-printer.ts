import type { Direction } from './flags.ts'
import type { SwitchPlan } from './plan.ts'
import type { SwitchStep } from './protocol.ts'
import { isAmong } from './roles.ts'

/** How a line of the switch ends. */
export type StepResult = 'SUCCESS' | 'FAILED' | 'SKIPPED'

/** Tells people how far the switch is. Neither method ever throws. */
export interface StepOutput {
  /** A step begins; its line ends with the next `end`. */
  begin(line: string): void
  end(result: StepResult): void
}

const RAISED = { promote: 'Starting promotion for node', demote: 'Starting demotion for node' }
const AWAITED = { promote: 'Promoting secondary node', demote: 'Demoting primary node' }
const CLEARED = { promote: 'Clearing promotion trigger for node', demote: 'Clearing demotion trigger for node' }

/** A step's line, without its result. Steps with the same line are one to people; those without are our own affair. */
export function stepLine(step: SwitchStep): string | undefined {
  switch (step.kind) {
    case 'raise':
      return `${RAISED[step.direction]} ${step.at.node}`
    case 'await':
      return `${AWAITED[step.direction]} ${step.at.node}`
    case 'fence':
      return `Fencing primary node ${step.at.node}`
    case 'swap':
      return 'Switching cluster primary/secondary node roles'
    case 'clear':
    case 'confirm':
      return `${CLEARED[step.direction]} ${step.at.node}`
    default:
      return undefined
  }
}

/** Tells the lines of one plan in their order, those included whose step was done before we came to look. */
export class StepPrinter {
  readonly #output: StepOutput
  readonly #lines: string[]
  #skipped: ReadonlySet<string>
  #open: string | undefined
  #next: number | undefined

  /** `skipped` are the lines of steps that a dead node is spared. */
  constructor(output: StepOutput, steps: readonly SwitchStep[], skipped: ReadonlySet<string>) {
    this.#output = output
    this.#lines = [...new Set(steps.map(stepLine).filter((line) => line !== undefined))]
    this.#skipped = skipped
  }

  /** This step is the next: what stands before it was done. The first call tells nothing of what came earlier. */
  reach(step: SwitchStep): void {
    const line = stepLine(step)
    if (line !== undefined && line === this.#open) return
    this.#close('SUCCESS')
    if (line === undefined) {
      if (step.kind === 'forget') this.#fill(this.#lines.length)
      return
    }
    const position = this.#lines.indexOf(line)
    this.#fill(position)
    this.#next = position + 1
    this.#open = line
    this.#output.begin(line)
  }

  /** From now on these lines are skipped, the open one included. */
  skip(lines: ReadonlySet<string>): void {
    this.#skipped = lines
    if (this.#open !== undefined && lines.has(this.#open)) this.#close('SKIPPED')
  }

  fail(): void {
    this.#close('FAILED')
  }

  #fill(end: number): void {
    for (const line of this.#lines.slice(this.#next ?? end, end)) {
      this.#output.begin(line)
      this.#output.end(this.#skipped.has(line) ? 'SKIPPED' : 'SUCCESS')
    }
    this.#next = end
  }

  #close(result: StepResult): void {
    if (this.#open !== undefined) this.#output.end(result)
    this.#open = undefined
  }
}

/** The lines of the steps that a plan doesn't wait for. */
export function skippedLines(plan: Pick<SwitchPlan, Direction | 'skipped'>): Set<string> {
  const lines = (direction: Direction) =>
    plan[direction]
      .filter((at) => isAmong(at, plan.skipped))
      .flatMap(({ node }) => [`${AWAITED[direction]} ${node}`, `${CLEARED[direction]} ${node}`])
  return new Set([...lines('demote'), ...lines('promote')])
}
