import { describe, expect, test } from 'vitest'
import { breaches, longestPause, lostOf } from '../../../../scripts/failover/judge.ts'

/** Times of writes by node, in the order that they are given in. */
const writes = (...times: [node: string, ...at: number[]][]) =>
  times.flatMap(([node, ...all]) => all.map((at) => ({ at, node })))

const holderChanges = (...held: [at: number, node?: string][]) => held.map(([at, node]) => ({ at, node }))

const sentences = (...[accepted, held]: Parameters<typeof breaches>) =>
  breaches(accepted, held).map(({ sentence }) => sentence)

describe('the judge of two masters', () => {
  test('finds nothing in masters that follow each other, and none where one comes again', () => {
    const held = holderChanges([0, 'a'], [50], [60, 'b'], [150], [200, 'a'])
    expect(breaches(writes(['a', 10, 40], ['b', 70, 140], ['a', 210]), held)).toEqual([])
  })

  test('lets a holder write a moment before it was seen to hold, and the old one until the next is seen', () => {
    expect(breaches(writes(['a', 10, 59], ['b', 61]), holderChanges([0, 'a'], [50], [70, 'b']))).toEqual([])
  })

  test('finds a write of the old master after the new one was seen', () => {
    const held = holderChanges([0, 'a'], [50], [60, 'b'])
    expect(sentences(writes(['a', 10, 65]), held)).toEqual(['a accepted a write when b has been master for 5 ms'])
  })

  test('finds a write of the old master between two of the new one, whoever was seen to hold by then', () => {
    const held = holderChanges([0, 'a'], [90, 'b'])
    const accepted = writes(['a', 10], ['b', 70], ['a', 75], ['b', 80])
    expect(sentences(accepted, held)).toEqual(['a accepted writes again without having been elected again'])
  })

  test('tells of all writes of the wrong one at once: from when to when, and how many', () => {
    const held = holderChanges([0, 'a'], [50], [60, 'b'])
    expect(breaches(writes(['a', 10, 65], ['b', 70], ['a', 80, 100], ['b', 110]), held)).toMatchObject([
      { node: 'a', at: 65, until: 100, writes: 3 },
    ])
  })

  test('finds a write of one that never was master', () => {
    expect(sentences(writes(['c', 10]), holderChanges([0, 'a']))).toContain(
      'c accepted a write when a has been master for 10 ms',
    )
    expect(sentences(writes(['c', 10]), holderChanges())).toContain('c accepted a write when nobody was master yet')
  })
})

describe('the judge of lost writes', () => {
  const acknowledged = (...times: number[]) => times.map((at, number) => ({ number, at, node: 'a' }))

  test('finds what was acknowledged and is not stored, and nothing in what was only stored', () => {
    const lost = lostOf(acknowledged(0, 10, 20, 30), new Set([0, 3, 4]))
    expect(lost.map(({ number }) => number)).toEqual([1, 2])
    expect(lostOf(acknowledged(0, 10), new Set([0, 1, 2]))).toEqual([])
    expect(lostOf(acknowledged(0, 10), new Set())).toHaveLength(2)
  })

  test('measures the longest time without one, from the last before the fault on', () => {
    expect(longestPause(acknowledged(0, 500, 510, 540, 900, 910), 530, 920)).toBe(360)
    expect(longestPause(acknowledged(500, 510, 540, 550), 520, 560)).toBe(30)
  })

  test('measures to the end when nobody acknowledges any more', () => {
    expect(longestPause(acknowledged(0, 500, 510), 505, 900)).toBe(390)
    expect(longestPause(acknowledged(0, 500), 600, 900)).toBe(400)
    expect(longestPause([], 600, 900)).toBe(300)
  })
})
