import { measureContended, type Rush } from './contended.ts'
import { measureFirstInstruction } from './first-instruction.ts'
import { measureHandOver } from './hand-over-time.ts'
import { measureHerd } from './herd.ts'
import { type HistoryCost, measureHistory } from './history-cost.ts'
import { measureIdle } from './idle.ts'
import { type Listing, measureListing } from './listing-cost.ts'
import type { Row } from './row.ts'
import { measureScale, type Scale } from './scale-cost.ts'
import { measureServing, type Serving } from './serving.ts'
import type { Testbed } from './testbed.ts'
import { measureUncontended } from './uncontended.ts'

/** One of the measures, in full, or with counts that only show that it works. */
export interface Measure {
  readonly name: string
  /** Only taken when it is named: it takes long, or much memory, and compares us with nobody. */
  readonly apart?: true
  /**
   * Rows compare tools; the server of tokens, the history of runs, and a list of locks have nobody to be compared with.
   */
  take(testbed: Testbed, quick: boolean): Promise<Findings>
}

/** What a measure adds to the report. */
export interface Findings {
  readonly rows?: readonly Row[]
  readonly serving?: Serving
  readonly history?: HistoryCost
  readonly listing?: Listing
  readonly scale?: Scale
}

const FULL_HERD = [
  { waiters: 1, rounds: 9, polledRounds: 3 },
  { waiters: 10, rounds: 6, polledRounds: 2 },
  { waiters: 100, rounds: 6, polledRounds: 1 },
]

const FULL_RUSH: readonly Rush[] = [
  { runners: 8, seconds: 6, rounds: 7, polledRounds: 2 },
  { runners: 32, seconds: 15, rounds: 2, polledRounds: 1 },
]

export const MEASURES: readonly Measure[] = [
  {
    name: 'uncontended',
    take: async (testbed, quick) => ({
      rows: await measureUncontended(testbed, quick ? { rounds: 1, runs: 2 } : { rounds: 10, runs: 6 }),
    }),
  },
  {
    name: 'first-instruction',
    take: async (testbed, quick) => ({ rows: await measureFirstInstruction(testbed, { rounds: quick ? 2 : 60 }) }),
  },
  {
    name: 'hand-over',
    take: async (testbed, quick) => {
      const full = { rounds: 20, runs: 10, polledRuns: 15 }
      return { rows: await measureHandOver(testbed, quick ? { rounds: 1, runs: 2, polledRuns: 1 } : full) }
    },
  },
  {
    name: 'idle',
    take: async (testbed, quick) => ({
      rows: await measureIdle(testbed, quick ? { rounds: 1, ms: 1000 } : { rounds: 7, ms: 30_000 }),
    }),
  },
  {
    name: 'herd',
    take: async (testbed, quick) => ({
      rows: await measureHerd(testbed, quick ? [{ waiters: 2, rounds: 1, polledRounds: 1 }] : FULL_HERD),
    }),
  },
  {
    name: 'contended',
    take: async (testbed, quick) => ({
      rows: await measureContended(
        testbed,
        quick ? [{ runners: 2, seconds: 1, rounds: 1, polledRounds: 1 }] : FULL_RUSH,
      ),
    }),
  },
  {
    name: 'serving',
    apart: true,
    take: async (testbed, quick) => ({
      serving: await measureServing(testbed, quick ? { seconds: 1, rounds: 1 } : { seconds: 30, rounds: 10 }),
    }),
  },
  {
    name: 'history',
    take: async (testbed, quick) => ({
      history: await measureHistory(testbed, quick ? { rounds: 2, runs: 2 } : { rounds: 30, runs: 12 }),
    }),
  },
  {
    name: 'locks',
    apart: true,
    take: async (testbed, quick) => {
      const full = { locks: 10_000, rounds: 7, changes: 5 }
      return { listing: await measureListing(testbed, quick ? { locks: 100, rounds: 1, changes: 2 } : full) }
    },
  },
  {
    name: 'scale',
    apart: true,
    take: async (testbed, quick) => {
      const full = { waiters: [100, 400], holders: 10_000, seconds: 60 }
      return { scale: await measureScale(testbed, quick ? { waiters: [2], holders: 100, seconds: 1 } : full) }
    },
  },
]
