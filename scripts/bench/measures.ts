import { measureFirstInstruction } from './first-instruction.ts'
import { measureHandOver } from './hand-over.ts'
import { measureHerd } from './herd.ts'
import { measureIdle } from './idle.ts'
import type { Row } from './row.ts'
import { measureServing, type Serving } from './serving.ts'
import type { Stage } from './stage.ts'
import { measureUncontended } from './uncontended.ts'

/** One of the measures, in full, or with counts that only show that it works. */
export interface Measure {
  readonly name: string
  /** Rows compare tools; the server of tokens has nobody to be compared with. */
  take(stage: Stage, quick: boolean): Promise<Row[] | Serving>
}

const FULL_HERD = [
  { waiters: 1, rounds: 5 },
  { waiters: 10, rounds: 3 },
  { waiters: 50, rounds: 2 },
  { waiters: 100, rounds: 2 },
]

export const MEASURES: readonly Measure[] = [
  {
    name: 'uncontended',
    take: (stage, quick) => measureUncontended(stage, quick ? { rounds: 1, runs: 2 } : { rounds: 6, runs: 12 }),
  },
  {
    name: 'first-instruction',
    take: (stage, quick) => measureFirstInstruction(stage, { rounds: quick ? 2 : 60 }),
  },
  {
    name: 'hand-over',
    take: (stage, quick) => {
      const full = { rounds: 10, runs: 20, polledRuns: 4 }
      return measureHandOver(stage, quick ? { rounds: 1, runs: 2, polledRuns: 1 } : full)
    },
  },
  {
    name: 'idle',
    take: (stage, quick) => measureIdle(stage, { ms: quick ? 1000 : 60_000 }),
  },
  {
    name: 'herd',
    take: (stage, quick) => measureHerd(stage, quick ? [{ waiters: 2, rounds: 1 }] : FULL_HERD),
  },
  {
    name: 'serving',
    take: (stage, quick) => measureServing(stage, quick ? { seconds: 1, rounds: 1 } : { seconds: 30, rounds: 10 }),
  },
]
