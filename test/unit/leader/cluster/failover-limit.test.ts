import { expect, test } from 'vitest'
import { type ClusterSwitches, isFrozen } from '../../../../src/leader/cluster/cluster-switches.ts'
import { switchesAfterPromotion } from '../../../../src/leader/cluster/failover-limit.ts'
import { effectiveSwitches } from '../../../../src/leader/cluster/stored-state.ts'

const NOON = Date.parse('2026-01-01T12:00:00.000Z')
const at = (minutes: number) => new Date(NOON + minutes * 60_000).toISOString()

/** Who became master, minute by minute. */
function after(masters: readonly string[], mostPerHour: number, before: ClusterSwitches = {}): ClusterSwitches {
  return masters.reduce<ClusterSwitches>(
    (cluster, node, minute) => switchesAfterPromotion(cluster, node, mostPerHour, NOON + minute * 60_000),
    before,
  )
}

test('a master after another one is a failover; the first, the same again, and one after a hand-over are none', () => {
  expect(after(['n1', 'n1', 'n1'], 1)).toEqual({ lastMaster: 'n1', term: 3, failovers: [] })
  expect(after(['n1', 'n2'], 5)).toEqual({ lastMaster: 'n2', term: 2, failovers: [at(1)] })
  const handedOver = switchesAfterPromotion(
    { lastMaster: 'n1', handover: 'n1', maintenanceUntil: at(9) },
    'n2',
    5,
    NOON,
  )
  expect(handedOver).toEqual({ lastMaster: 'n2', term: 1, failovers: [], maintenanceUntil: at(9) })
})

test('so many within an hour freeze the cluster, until the oldest of them is an hour old', () => {
  expect(after(['n1', 'n2', 'n1'], 3).frozen).toBeUndefined()
  const frozen = after(['n1', 'n2', 'n1', 'n2'], 3)
  expect(frozen.frozen).toEqual({ since: at(3), until: at(61), why: '3 failovers within an hour' })
  const isSo = (minutes: number) => [isFrozen(frozen, NOON + minutes * 60_000), effective(frozen, minutes)]
  expect([isSo(3), isSo(60.9), isSo(61), isSo(600)]).toEqual([
    [true, true],
    [true, true],
    [false, false],
    [false, false],
  ])
})

const effective = (cluster: ClusterSwitches, minutes: number) =>
  effectiveSwitches({ nodes: new Map(), cluster }, 'n1', NOON + minutes * 60_000).frozen

test('one more while it is frozen puts that off, and old ones are forgotten', () => {
  const more = after(['n1', 'n2', 'n1', 'n2', 'n1'], 3)
  expect(more.frozen).toMatchObject({ since: at(3), until: at(62) })
  const late = switchesAfterPromotion(more, 'n2', 3, NOON + 63.5 * 60_000)
  expect(late.failovers).toEqual([at(4), at(63.5)])
  expect(late.frozen).toBeUndefined()
})

test('another limit judges the same failovers anew', () => {
  const frozen = after(['n1', 'n2', 'n1'], 2)
  expect(frozen.frozen).toBeDefined()
  const judged = (most: number) => switchesAfterPromotion(frozen, 'n1', most, NOON + 3 * 60_000)
  expect(judged(3)).toEqual({ lastMaster: 'n1', term: 4, failovers: [at(1), at(2)] })
  expect(judged(1).frozen).toMatchObject({ until: at(62) })
})
