import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import type { TxnOp } from '../../../src/consul/txn.ts'
import type { Advice, NextAttempt, Rider } from '../../../src/lock/rider.ts'
import { prepareRiders, Riders } from '../../../src/lock/riders.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const write = (key: string): TxnOp => ({ verb: 'set', key, value: '' })
const read = (key: string): TxnOp => ({ verb: 'get-tree', key })
const ATTEMPT = { seen: undefined, isOurs: false, nowMs: 0 }

describe('what rides with a try', () => {
  /** A rider that claims with these, and writes down what it is told of them. */
  function teller(...ops: readonly TxnOp[]) {
    const told: unknown[] = []
    const rider: Rider = {
      claiming: () => ops,
      refused: (theirs) => told.push(['refused', ...theirs]),
      denied: (theirs) => told.push(['denied', ...theirs]),
    }
    return { rider, told, ops }
  }

  test('is that of all riders, and each is told of its own alone', () => {
    const [one, two, three] = [teller(write('a'), read('b')), teller(write('c')), teller()]
    const riders = new Riders([one.rider, two.rider, three.rider])
    const ops = riders.claiming(ATTEMPT)
    expect(ops).toEqual([...one.ops, ...two.ops])
    riders.refused([...one.ops.slice(1), read('nobody’s')])
    riders.denied([...one.ops.slice(0, 1), ...two.ops])
    expect(one.told).toEqual([
      ['refused', one.ops[1]],
      ['denied', one.ops[0]],
    ])
    expect([two.told, three.told]).toEqual([[['denied', two.ops[0]]], []])
  })

  test('is told of to nobody before the first try, nor when a later one had it no more', () => {
    let claims = 0
    const told: unknown[] = []
    const ops = [write('a')]
    const rider: Rider = { claiming: () => (++claims === 1 ? ops : []), refused: (theirs) => told.push(theirs) }
    const riders = new Riders([rider])
    riders.refused(ops)
    riders.claiming(ATTEMPT)
    riders.claiming(ATTEMPT)
    riders.refused(ops)
    expect(told).toEqual([])
  })

  test('may be that of riders who don’t want to be told', () => {
    const ops = [write('a')]
    const riders = new Riders([{ claiming: () => ops }])
    riders.claiming(ATTEMPT)
    riders.refused(ops)
    riders.denied(ops)
    riders.granted([])
    expect(riders.isPrepared).toBe(false)
    expect(new Riders().claiming(ATTEMPT)).toEqual([])
  })
})

describe('whether a try is worthwhile', () => {
  const { ctx, consul } = virtualLock()
  const attempt: NextAttempt = { ...ATTEMPT, consul: consul(), once: false, tell() {} }

  /** Riders with these opinions, or without one, and who was asked. */
  async function asked(...advice: readonly (Advice | undefined)[]) {
    const about: number[] = []
    const riders = advice.map((word, n): Rider => {
      const prepare = async (_: Context, given: NextAttempt) => {
        expect(given).toBe(attempt)
        about.push(n)
        return word ?? 'go'
      }
      return { claiming: () => [], ...(word && { prepare }) }
    })
    const said = await prepareRiders(ctx, riders, attempt, (_, task) => task())
    return { said, about, isPrepared: new Riders(riders).isPrepared }
  }

  test.each<[readonly (Advice | undefined)[], Advice, readonly number[]]>([
    [[], 'go', []],
    [[undefined, undefined], 'go', []],
    [['go', undefined, 'go'], 'go', [0, 2]],
    [['go', 'line', 'busy'], 'line', [0, 1]],
    [[undefined, 'skipped'], 'skipped', [1]],
  ])('is for the first who says no: of %j "%s"', async (advice, said, about) => {
    expect(await asked(...advice)).toEqual({ said, about, isPrepared: about.length > 0 })
  })
})
