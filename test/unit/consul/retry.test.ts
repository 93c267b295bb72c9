import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure, type FailureCode } from '../../../src/base/failure.ts'
import type { Log } from '../../../src/base/log.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { Retry } from '../../../src/consul/retry.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

/** Tasks that fail by these codes, one after the other, and then succeed; what is told of it, and when. */
function open(settings: { patienceMs?: number; tokenFile?: string; heard?: boolean } = {}) {
  const clock = new VirtualClock()
  const told: string[] = []
  const tell = (sentence: string) => void told.push(sentence)
  const log: Log = { debugging: false, mark() {}, debug() {}, notice: tell, warn: tell, error: tell }
  const ctx: Context = { clock, log, signal: new AbortController().signal, random: () => 0.5 }
  const consul = new Consul({ ...NO_SETTINGS, ...settings }, new DevAgent({ clock, random: () => 0.5 }).transport())
  consul.confirmed = settings.heard ?? true
  const retry = new Retry(consul)
  const until = (...codes: readonly FailureCode[]) => {
    const left = [...codes]
    return clock.run(
      retry.until(ctx, async () => {
        consul.reachability.attemptMs(clock, 1)
        const code = left.length > 1 ? left.shift() : left.pop()
        if (code !== undefined) throw new Failure(code, `it is ${code}`)
      }),
    )
  }
  const forEver = (code: FailureCode) =>
    clock.run(
      retry.until(ctx, async () => {
        consul.reachability.attemptMs(clock, 1)
        throw new Failure(code, `it is ${code}`)
      }),
    )
  return { clock, ctx, consul, told, retry, until, forEver }
}

const AGAIN = 'Consul at 127.0.0.1:8500 answers again'

describe('trouble', () => {
  test('is told once, and once more when it is over', async () => {
    const { told, until } = open()
    await until('unreachable', 'unavailable', 'not-consul', 'unreachable')
    expect(told).toEqual(['it is unreachable; trying again until it works', AGAIN])
  })

  test('that comes back at once, each time, is told like one', async () => {
    const { clock, told, until } = open()
    for (let cut = 0; cut < 100; cut++) {
      await until('unavailable')
      await clock.advance(5000)
    }
    expect(told).toEqual(['it is unavailable; trying again until it works', AGAIN])
  })

  test('that comes back and stays is told again', async () => {
    const { clock, told, until } = open()
    await until('unavailable')
    await clock.advance(5000)
    await until('unavailable', 'unavailable')
    expect(told).toHaveLength(4)
  })

  test('of another kind, or after a good minute, is told again', async () => {
    const { clock, told, until } = open()
    await until('unavailable')
    await until('unreachable')
    await clock.advance(61_000)
    await until('unreachable')
    expect(told).toHaveLength(6)
  })
})

describe('an address that has not answered yet', () => {
  test('is tried for as long as was asked for', async () => {
    const { clock, told, forEver } = open({ patienceMs: 300_000, heard: false })
    await expect(forEver('unreachable')).rejects.toThrow('it is unreachable; gave up after 5m (--consul-timeout)')
    expect(clock.nowMs).toBe(300_000)
    expect(told).toEqual(['it is unreachable; trying again, for 5m at most'])
  })

  test.each([
    ['has not answered yet', false],
    ['has answered before', true],
  ])('is told to be tried for as long as it is waited for, where it %s', async (_, heard) => {
    const { clock, ctx, consul, told } = open({ patienceMs: 300_000, heard })
    const retry = new Retry(consul, { waitMs: 5500 })
    const end = new AbortController()
    const failing = () => Promise.reject(new Failure('unreachable', 'it is unreachable'))
    const waiting = retry.until({ ...ctx, signal: end.signal }, failing).catch(() => {})
    await clock.advance(1000)
    expect(told).toEqual(['it is unreachable; trying again, for 6s at most'])
    end.abort()
    await clock.run(waiting)
  })

  test('is taken at its word when that is no word of Consul’s', async () => {
    const { clock, forEver } = open({ patienceMs: 300_000, heard: false })
    await expect(forEver('not-consul')).rejects.toThrow(/^it is not-consul$/)
    expect(clock.nowMs).toBe(0)
  })
})

describe('a token that Consul does not know', () => {
  test.each([
    ['is final', { heard: true }, 0],
    ['in a file is final at the first request', { heard: false, tokenFile: '/token' }, 0],
    ['in a file may be replaced within a minute', { heard: true, tokenFile: '/token' }, 60_000],
  ])('%s', async (_, settings, afterMs) => {
    const { clock, forEver } = open(settings)
    await expect(forEver('unknown-token')).rejects.toMatchObject({ code: 'unknown-token' })
    expect(clock.nowMs).toBeGreaterThanOrEqual(afterMs)
    expect(clock.nowMs).toBeLessThan(afterMs + 6000)
  })
})

describe('the time that outages take', () => {
  const failing = () => Promise.reject(new Failure('unreachable', 'it is unreachable'))

  test('is counted once, whoever waits for Consul, until nobody does', async () => {
    const { clock, ctx, consul, retry } = open()
    const lostMs = retry.outage(ctx)
    await clock.advance(1000)
    const others = [consul, consul.inDatacenter('dc2')].map((client, nth) => {
      const end = new AbortController()
      clock.after(10_000 * (nth + 1), () => end.abort(new Failure('failed', 'over')))
      return new Retry(client).until({ ...ctx, signal: end.signal }, failing).catch(() => {})
    })
    await clock.advance(5000)
    expect(lostMs()).toBe(5000)
    await clock.run(Promise.all(others))
    await clock.advance(5000)
    expect(lostMs()).toBe(20_000)
  })

  test('has an end when what was tried again is done', async () => {
    const { clock, ctx, retry, until } = open()
    const lostMs = retry.outage(ctx)
    await until('unreachable')
    const tookMs = clock.nowMs
    await clock.advance(5000)
    expect(lostMs()).toBe(tookMs)
    expect(tookMs).toBeGreaterThan(0)
  })
})
