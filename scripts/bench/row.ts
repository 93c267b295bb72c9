import type { Figure } from '../stage/statistics.ts'
import { TOOLS, type ToolName } from './tool.ts'

export type Unit = 'ms' | 'MB' | 'count'

/** What one measure found. */
export interface Row {
  readonly id: string
  readonly what: string
  readonly unit: Unit
  readonly figures: Readonly<Record<ToolName, Figure>> & Readonly<Record<string, Figure>>
  readonly goal?: Goal
}

/** What consul-locker has to reach: at most so many times `consul lock`'s value, or at most this value. */
export interface Goal {
  readonly ratio?: number
  readonly value?: number
}

/** Collects samples of several quantities, tool by tool. */
export class Samples {
  readonly #samples = new Map<string, number[]>()

  add(tool: string, ...samples: number[]): void {
    this.#samples.set(tool, [...(this.#samples.get(tool) ?? []), ...samples])
  }

  of(tool: string): readonly number[] {
    return this.#samples.get(tool) ?? []
  }

  /** A row of it, with each tool's figure computed by `figure`. */
  row(head: Omit<Row, 'figures'>, figure: (samples: readonly number[]) => Figure): Row {
    const figures = Object.fromEntries([...this.#samples].map(([tool, samples]) => [tool, figure(samples)]))
    const missing = TOOLS.find((tool) => !figures[tool])
    if (missing) throw new Error(`${missing} has no ${head.id}.`)
    return { ...head, figures: figures as Row['figures'] }
  }
}

export const MB = 1024 * 1024
