import type { Figure } from '../stage/statistics.ts'
import { type Estimate, estimate } from './estimate.ts'
import { TOOLS, type ToolName } from './tool.ts'

export type Unit = 'ms' | 'MB' | 'kB' | 'count'

/** What one measure found. */
export interface Row {
  readonly id: string
  readonly what: string
  readonly unit: Unit
  readonly figures: Readonly<Record<ToolName, Figure>> & Readonly<Record<string, Figure>>
  /** How many times `consul lock`'s figure ours is. */
  readonly ratio: Estimate
  /** Our own figure. */
  readonly ours: Estimate
  readonly goal?: Goal
}

/** What consul-locker has to reach: at most so many times `consul lock`'s value, or at most this value. */
export type Goal = { readonly ratio: number } | { readonly value: number }

/** Collects samples of one quantity, tool by tool and round by round. */
export class Samples {
  readonly #rounds = new Map<string, (readonly number[])[]>()

  /** Adds what a round gave for a tool: its rounds are the others' in the same order. */
  add(tool: string, ...samples: number[]): void {
    this.#rounds.set(tool, [...(this.#rounds.get(tool) ?? []), samples])
  }

  of(tool: string): readonly number[] {
    return this.#of(tool).flat()
  }

  /** A row of it, with each tool's figure computed by `figure`. */
  row(head: Omit<Row, 'figures' | 'ratio' | 'ours'>, figure: (samples: readonly number[]) => Figure): Row {
    const figures = Object.fromEntries([...this.#rounds].map(([tool, rounds]) => [tool, figure(rounds.flat())]))
    const missing = TOOLS.find((tool) => !figures[tool])
    if (missing) throw new Error(`${missing} has no ${head.id}.`)
    const ours = this.#of('consul-locker')
    const pairs = ours.flatMap((samples, round) => {
      const peers = this.#of('consul lock')[round]
      return peers ? [{ ours: samples, peers }] : []
    })
    const value = (samples: readonly (readonly number[])[]) => figure(samples.flat()).value
    return {
      ...head,
      figures: figures as Row['figures'],
      ratio: estimate(pairs, (drawn) => value(drawn.map(({ ours }) => ours)) / value(drawn.map(({ peers }) => peers))),
      ours: estimate(ours, value),
    }
  }

  #of(tool: string): readonly (readonly number[])[] {
    return this.#rounds.get(tool) ?? []
  }
}

export const MB = 1024 * 1024
