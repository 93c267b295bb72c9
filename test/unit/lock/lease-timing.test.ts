import { describe, expect, test } from 'vitest'
import { graceLeftMs, leaseLeftMs, MARGIN_MS, planTiming, type Timing } from '../../../src/lock/lease-timing.ts'
import { Loss, type LossKind } from '../../../src/lock/loss.ts'

const s = 1000

describe('timing', () => {
  test('has safe defaults, with room for clocks whose rates differ by a tenth', () => {
    expect(planTiming({})).toEqual({ ttlMs: 15 * s, renewMs: 10 * s, graceMs: 5 * s, lockDelayMs: 24 * s })
  })

  test.each<[Partial<Timing>, Timing]>([
    [{ ttlMs: 30 * s }, { ttlMs: 30 * s, renewMs: 20 * s, graceMs: 5 * s, lockDelayMs: 40.5 * s }],
    [
      { ttlMs: 10 * s, graceMs: 0 },
      { ttlMs: 10 * s, renewMs: 6667, graceMs: 0, lockDelayMs: 13 * s },
    ],
    [{ ttlMs: 47 * s }, { ttlMs: 47 * s, renewMs: 31_333, graceMs: 5 * s, lockDelayMs: 59.2 * s }],
    [{ graceMs: 37 * s }, { ttlMs: 15 * s, renewMs: 10 * s, graceMs: 37 * s, lockDelayMs: 59.2 * s }],
    [{ lockDelayMs: 42 * s }, { ttlMs: 15 * s, renewMs: 10 * s, graceMs: 5 * s, lockDelayMs: 42 * s }],
    [{ lockDelayMs: 60 * s }, { ttlMs: 15 * s, renewMs: 10 * s, graceMs: 5 * s, lockDelayMs: 60 * s }],
    [{ renewMs: 14 * s }, { ttlMs: 15 * s, renewMs: 14 * s, graceMs: 5 * s, lockDelayMs: 24 * s }],
    [{ renewMs: 1 * s }, { ttlMs: 15 * s, renewMs: 1 * s, graceMs: 5 * s, lockDelayMs: 24 * s }],
  ])('of %j is %j', (wanted, timing) => {
    expect(planTiming(wanted)).toEqual(timing)
  })

  test.each<[Partial<Timing>, string]>([
    [{ ttlMs: 9999 }, 'a TTL of 9.9s is shorter'],
    [{ ttlMs: 25 * 3600 * s }, "TTL 1d1h + grace 5s + a tenth 2h30m + margin 2s = 1d3h, more than Consul's longest"],
    [{ renewMs: 14_001 }, 'renewing every 14s does not keep a session with a TTL of 15s'],
    [{ renewMs: 999 }, 'renewing every 999ms'],
    [
      { ttlMs: 48 * s },
      "TTL 48s + grace 5s + a tenth 5.3s + margin 2s = 1m, more than Consul's longest lock-delay, 1m",
    ],
    [{ lockDelayMs: 61 * s }, "a lock-delay of 1m1s is over Consul's longest lock-delay, 1m"],
    [{ lockDelayMs: 24 * s - 1 }, 'it must be at least TTL 15s + grace 5s + a tenth 2s + margin 2s = 24s'],
    [{ graceMs: 10 * s, lockDelayMs: 29 * s }, 'TTL 15s + grace 10s + a tenth 2.5s + margin 2s = 29.5s'],
    [{ lockDelayMs: 0 }, 'a lock-delay of 0ms is not safe'],
  ])('of %j is refused, with the numbers', (wanted, sentence) => {
    expect(() => planTiming(wanted)).toThrow(sentence)
  })

  test.each<[Partial<Timing>, string]>([
    [{ ttlMs: 9 * s }, '--ttl must be at least 10s'],
    [{ renewMs: 20 * s }, '--renew must lie between 1s and 14s'],
    [{ ttlMs: 60 * s }, 'make --ttl, --kill-after or --lock-delay shorter'],
    [{ lockDelayMs: 1 }, 'make --lock-delay longer, or --ttl or --kill-after shorter'],
  ])('of %j is refused, with what to do', (wanted, hint) => {
    expect(() => planTiming(wanted)).toThrow(expect.objectContaining({ code: 'usage', hint }))
  })

  test('keeps the rule whatever is asked for: lock-delay >= 1.1 x (TTL + grace) + margin', () => {
    for (let ttlMs = 10 * s; ttlMs <= 60 * s; ttlMs += 777) {
      for (let graceMs = 0; graceMs <= 60 * s; graceMs += 777) {
        const neededMs = ttlMs + graceMs + (ttlMs + graceMs) / 10 + MARGIN_MS
        const possible = neededMs <= 60 * s
        if (!possible) expect(() => planTiming({ ttlMs, graceMs })).toThrow('+ margin')
        else expect(planTiming({ ttlMs, graceMs }).lockDelayMs).toBeGreaterThanOrEqual(neededMs)
      }
    }
  })
})

describe('what is left', () => {
  const timing = planTiming({})

  test.each([
    [0, 15 * s],
    [10 * s, 5 * s],
    [15 * s, 0],
    [16 * s, -1 * s],
  ])('of the lease %d ms after a renewal was sent: %d ms', (elapsedMs, leftMs) => {
    expect(leaseLeftMs(timing, elapsedMs)).toBe(leftMs)
  })

  test.each<[LossKind, number, number]>([
    ['deadline', 15 * s, 5 * s],
    ['session-gone', 3 * s, 5 * s],
    ['session-gone', 18 * s, 2 * s],
    ['deadline', 20 * s, 0],
    ['deadline', 60 * s, 0],
    ['key-taken', 3 * s, 2 * s],
    ['key-released', 3 * s, 2 * s],
    ['key-taken', 19 * s, 1 * s],
  ])('of the grace after %s, %d ms after a renewal was sent: %d ms', (kind, elapsedMs, leftMs) => {
    expect(graceLeftMs(timing, elapsedMs, new Loss(kind, ''))).toBe(leftMs)
  })

  test('of a grace that is shorter than the one without protection: all of it', () => {
    const brisk = planTiming({ graceMs: 1 * s })
    expect(graceLeftMs(brisk, 0, new Loss('key-taken', ''))).toBe(1 * s)
  })
})
