import { describe, expect, test } from 'vitest'
import { TIMING } from './leader/agent.ts'
import { tellOfLeaders } from './leader/story.ts'

const SEEDS = 300
/** A fifth of it on an idle machine. */
const PATIENCE_MS = 180_000

describe('seeded stories of leader agents, faults and operators', { timeout: PATIENCE_MS }, () => {
  test(`never have two masters at once, and end with one (${SEEDS} seeds)`, async () => {
    const violations: string[] = []
    let masters = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const ending = await tellOfLeaders(seed)
      masters += ending.masters
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(masters).toBeGreaterThan(SEEDS)
  })

  test('find out a lock-delay that is too short', async () => {
    let overlaps = 0
    for (let seed = 0; seed < SEEDS && overlaps === 0; seed++) {
      const { violations } = await tellOfLeaders(seed, { ...TIMING, lockDelayMs: 1 })
      overlaps += violations.filter((violation) => violation.includes('begins while')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})
