import { describe, expect, test, vi } from 'vitest'
import { planTiming } from '../../src/lock/lease-timing.ts'
import type { Period } from '../../src/run/history/period.ts'
import { isSuccess, periodSuccess } from '../../src/run/history/runs-record.ts'
import { historyOf, recordOf, TAMPERING } from './history-judge.ts'
import { type PlannedRun, type Schedule, scheduleOf } from './schedule.ts'
import { STORY_PATIENCE_MS, seedsOf } from './seeds.ts'
import { tell } from './story.ts'

vi.setConfig({ testTimeout: STORY_PATIENCE_MS })

const SEEDS = seedsOf(1000)
const KINDS = ['code', 'killed', 'lost', 'unsettled'] as const
const HOUR_MS = 3_600_000

function untampered(seed: number): Schedule {
  const schedule = scheduleOf(seed)
  return { ...schedule, incidents: schedule.incidents.filter(({ kind }) => !TAMPERING.includes(kind)) }
}

describe('seeded stories of runs and their history', () => {
  // What it tells is judged in all stories: see `ending` in story.ts.
  test(`tell of every kind of end, and lie about none (${SEEDS.length} seeds)`, async () => {
    const violations: string[] = []
    const kinds = new Set<string>()
    let told = 0
    for (const seed of SEEDS) {
      const ending = await tell(seed, untampered(seed), {
        witness(stage) {
          for (const run of historyOf(stage)) {
            told += 1
            for (const kind of KINDS) if (run[kind] !== undefined) kinds.add(kind)
          }
        },
      })
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(told).toBeGreaterThan(SEEDS.length)
    expect([...kinds].sort()).toEqual(KINDS.toSorted())
  })
})

describe('seeded stories of a command that is to run once in a period', () => {
  // The whole story is one period, on every machine's clock: wall clocks aren't set.
  const schedule = (seed: number) => {
    const { incidents, ...others } = untampered(seed)
    return { ...others, incidents: incidents.filter(({ kind }) => kind !== 'set-wall-clock') }
  }

  test(`never run it twice (${SEEDS.length} seeds)`, async () => {
    const violations: string[] = []
    let lives = 0
    for (const seed of SEEDS) {
      const period: Period = { oncePerMs: HOUR_MS, onSuccess: false }
      const ending = await tell(seed, schedule(seed), { period })
      lives += ending.lives
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
      if (ending.lives > 1) violations.push(`seed ${seed}: it ran ${ending.lives} times`)
    }
    expect(violations).toEqual([])
    expect(lives).toBeGreaterThan(SEEDS.length / 2)
  })

  test(`never run it after a success that is recorded, if successes count (${SEEDS.length} seeds)`, async () => {
    const violations: string[] = []
    let [lives, repeated] = [0, 0]
    for (const seed of SEEDS) {
      const period: Period = { oncePerMs: HOUR_MS, onSuccess: true }
      const ending = await tell(seed, schedule(seed), {
        period,
        witness(stage) {
          const successes = historyOf(stage).filter(isSuccess)
          if (successes.length > 1) violations.push(`seed ${seed}: it succeeded ${successes.length} times`)
          const { period } = recordOf(stage.agent) ?? {}
          const recorded = period && periodSuccess(period)
          if (recorded?.runId !== successes[0]?.runId)
            violations.push(`seed ${seed}: ${recorded?.runId} is not the success`)
        },
      })
      lives += ending.lives
      repeated += ending.lives > 1 ? 1 : 0
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(lives).toBeGreaterThan(SEEDS.length)
    expect(repeated).toBeGreaterThan(0)
  })
})

describe('a runner that is killed at any moment, from its start to its end', () => {
  const killedAt = (atMs: number): Schedule => {
    const run = (startMs: number): PlannedRun => ({
      atMs: startMs,
      waitMs: Number.POSITIVE_INFINITY,
      timing: planTiming({}),
      script: { runsMs: 10, termTakesMs: 0 },
    })
    const machines = [0, 120_000].map((startMs) => ({ rate: 1, runs: [run(startMs)], wire: [] }))
    return { machines, incidents: [{ atMs, kind: 'kill-runner', machine: 0, lastsMs: 0 }], calmMs: 240_000 }
  }

  test.each([false, true])(
    'never has its command run twice, and history tells the truth; successes count: %s',
    async (onSuccess) => {
      const violations: string[] = []
      const ends = new Set<string>()
      for (let step = 0; step < 160; step++) {
        const period: Period = { oncePerMs: HOUR_MS, onSuccess }
        const ending = await tell(1, killedAt(step / 4), {
          period,
          witness(stage) {
            const history = historyOf(stage)
            ends.add(
              history.map(({ code, killed }) => (killed ? 'killed' : code === undefined ? 'lost' : 'code')).join(' '),
            )
            if (history.filter(isSuccess).length > 1) violations.push(`at ${step / 4} ms: it succeeded twice`)
          },
        })
        violations.push(...ending.violations.map((violation) => `at ${step / 4} ms: ${violation}`))
        if (!onSuccess && ending.lives > 1) violations.push(`at ${step / 4} ms: it ran twice`)
      }
      expect(violations).toEqual([])
      // Before it had the lock, with it, and after the release. A claim that arrives after its guardian has looked is
      // seen by its second look.
      expect([...ends].sort()).toEqual(onSuccess ? ['code', 'killed code'] : ['', 'code', 'killed'])
    },
  )
})
