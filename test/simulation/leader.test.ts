import { describe, expect, test } from 'vitest'
import { TIMING } from './leader/agent.ts'
import { tellOfLeaders } from './leader/story.ts'
import {
  type AcceptedLoss,
  type HandoverStory,
  type Succession,
  tellOfAcceptedLoss,
  tellOfHandover,
  tellOfSuccession,
} from './leader/succession.ts'
import { describeSeeds, STORY_PATIENCE_MS, seedsOf } from './seeds.ts'

const SEEDS = seedsOf(300, 20)
const SUCCESSIONS = seedsOf(80, 20)

describe('seeded stories of leader agents, faults and operators', { timeout: STORY_PATIENCE_MS }, () => {
  test(`never have two masters at once, and end with one (${describeSeeds(SEEDS)})`, async () => {
    const violations: string[] = []
    let masters = 0
    for (const seed of SEEDS) {
      const ending = await tellOfLeaders(seed)
      masters += ending.masters
      violations.push(...ending.violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violations).toEqual([])
    expect(masters).toBeGreaterThan(SEEDS.length)
  })

  test('find out a lock-delay that is too short', async () => {
    let overlaps = 0
    for (const seed of SEEDS) {
      if (overlaps > 0) break
      const { violations } = await tellOfLeaders(seed, { ...TIMING, lockDelayMs: 1 })
      overlaps += violations.filter((violation) => violation.includes('begins while')).length
    }
    expect(overlaps).toBeGreaterThan(0)
  })
})

describe('when a master goes', { timeout: STORY_PATIENCE_MS }, () => {
  test(`the most advanced of those who live is the next, on a sound wire (${describeSeeds(SUCCESSIONS)})`, async () => {
    const all: Succession[] = []
    for (const seed of SUCCESSIONS) all.push(await tellOfSuccession(seed))
    expect(all.filter(({ lack }) => lack > 0n)).toEqual([])
    expect(all.filter(({ matters }) => matters).length).toBeGreaterThan(SUCCESSIONS.length / 2)
  })

  test(`it hands over to one that lacks nothing, or not at all, on a sound wire (${describeSeeds(SUCCESSIONS)})`, async () => {
    const all: HandoverStory[] = []
    for (const seed of SUCCESSIONS) all.push(await tellOfHandover(seed))
    expect(all.filter(({ lack, happened, possible }) => lack > 0n || happened !== possible)).toEqual([])
    expect(new Set(all.map(({ happened }) => happened)).size).toBe(2)
  })

  test(`one that lacks something leads when a person accepts that, and no other (${describeSeeds(SUCCESSIONS)})`, async () => {
    const all: AcceptedLoss[] = []
    for (const seed of SUCCESSIONS) all.push(await tellOfAcceptedLoss(seed))
    const isAsWanted = ({ rash, chosen, masters, isForgotten, violations }: AcceptedLoss) =>
      rash === undefined &&
      new Set(masters).size === 1 &&
      masters[0] === chosen &&
      isForgotten &&
      violations.length === 0
    expect(all.filter((one) => !isAsWanted(one))).toEqual([])
  })
})
