import { describe, expect, test } from 'vitest'
import { leaseTimeline, silenceSurvivedMs } from '../../../src/lock/lease-timeline.ts'
import { planTiming, type Timing } from '../../../src/lock/lease-timing.ts'

const s = 1000

describe('the timeline of a lease', () => {
  test('has the times of the defaults', () => {
    expect(leaseTimeline(planTiming({}))).toEqual({
      attemptsMs: [10 * s, 14 * s],
      deadlineMs: 15 * s,
      killMs: 20 * s,
      guardian: { actsMs: 15.25 * s, killMs: 20.25 * s },
      expiryMs: 30 * s,
      nextHolderMs: 24 * s,
      nextAfterExpiryMs: 54 * s,
    })
  })

  test.each<[Partial<Timing>, number[]]>([
    [{ ttlMs: 10 * s }, [6667]],
    [{ ttlMs: 12 * s, renewMs: 1 * s }, [1 * s, 5 * s, 9 * s]],
    // A fourth would be sent at the deadline.
    [{ ttlMs: 13 * s, renewMs: 1 * s }, [1 * s, 5 * s, 9 * s]],
    [{ ttlMs: 13.001 * s, renewMs: 1 * s }, [1 * s, 5 * s, 9 * s, 13 * s]],
  ])('of %j has the renewals that silence meets before the deadline: %j', (wanted, attemptsMs) => {
    expect(leaseTimeline(planTiming(wanted)).attemptsMs).toEqual(attemptsMs)
  })

  test('tells how long a silence is survived', () => {
    expect(silenceSurvivedMs(planTiming({}))).toEqual({ leastMs: 5 * s, mostMs: 15 * s })
  })
})
