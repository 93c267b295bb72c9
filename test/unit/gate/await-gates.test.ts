import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import type { Log } from '../../../src/base/log.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { awaitGates, type GateWait, type Missing } from '../../../src/gate/await-gates.ts'
import { parseGate } from '../../../src/gate/gate-grammar.ts'
import { MissingReporter } from '../../../src/gate/missing-reporter.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

/** Gates at an in-memory Consul, on a clock of their own. */
function open() {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  const lines: string[] = []
  const notice = (line: string) => void lines.push(line)
  const log: Log = { debugging: false, mark() {}, debug() {}, notice, warn() {}, error() {} }
  const stop = new AbortController()
  const ctx: Context = { clock, log, signal: stop.signal, random: () => 0.5 }
  const world = { connect: async () => new Consul(NO_SETTINGS, agent.transport()), environment: {} }
  const call = (method: 'PUT' | 'DELETE', key: string) =>
    agent.transport().send({ method, path: `/v1/kv/${key}`, body: 'x' }, ctx.signal)
  const wait = (gates: string[], how: GateWait) => {
    const end = awaitGates(ctx, world, gates.map(parseGate), how)
    const shown = end.then(({ passed, missing }) => ({
      passed,
      missing: missing.map(({ gate, why }) => `${gate.text}: ${why}`),
      atMs: clock.nowMs,
    }))
    shown.catch(() => {})
    return shown
  }
  return {
    clock,
    ctx,
    lines,
    stop,
    wait,
    agent,
    put: (key: string) => call('PUT', key),
    drop: (key: string) => call('DELETE', key),
  }
}

const passed = (atMs: number) => ({ passed: true, missing: [], atMs })

describe('gates', () => {
  test('that are open at once pass at once', async () => {
    const { clock, put, wait } = open()
    await put('a')
    expect(await clock.run(wait(['kv:a'], { timeoutMs: 1000 }))).toEqual(passed(0))
  })

  test('pass when the last of them opens', async () => {
    const { clock, put, wait } = open()
    const end = wait(['kv:a', 'kv:b'], { timeoutMs: 60_000 })
    await clock.advance(5000)
    await put('a')
    await clock.advance(5000)
    await put('b')
    expect(await clock.run(end)).toEqual(passed(10_000))
  })

  test('do not pass one after the other, but together', async () => {
    const { clock, put, drop, wait } = open()
    const end = wait(['kv:a', 'kv:b'], { timeoutMs: 10_000 })
    await put('a')
    await clock.advance(1000)
    await drop('a')
    await clock.advance(1000)
    await put('b')
    expect(await clock.run(end)).toEqual({ passed: false, missing: ['kv:a: there is no such key'], atMs: 10_000 })
  })

  test('pass when one opens, if any will do', async () => {
    const { clock, put, wait } = open()
    const end = wait(['kv:a', 'kv:b'], { timeoutMs: 60_000, any: true })
    await clock.advance(2000)
    await put('b')
    expect(await clock.run(end)).toMatchObject({ passed: true, atMs: 2000 })
  })

  test('that must be steady begin anew after every break', async () => {
    const { clock, put, drop, wait } = open()
    const end = wait(['kv:a'], { timeoutMs: 60_000, steadyMs: 10_000 })
    await put('a')
    await clock.advance(9000)
    await drop('a')
    await clock.advance(1000)
    await put('a')
    expect(await clock.run(end)).toEqual(passed(20_000))
  })

  test('that are steady when their time is over may settle, and fail at the next break', async () => {
    for (const breaks of [false, true]) {
      const { clock, put, drop, wait } = open()
      const end = wait(['kv:a'], { timeoutMs: 10_000, steadyMs: 10_000 })
      await clock.advance(9000)
      await put('a')
      await clock.advance(5000)
      if (breaks) await drop('a')
      const failed = { passed: false, missing: ['kv:a: there is no such key'], atMs: 14_000 }
      expect(await clock.run(end)).toEqual(breaks ? failed : passed(19_000))
    }
  })

  test('that are none settle for as long', async () => {
    const { clock, wait } = open()
    expect(await clock.run(wait([], { timeoutMs: 1000, steadyMs: 10_000 }))).toEqual(passed(10_000))
  })

  test('may be waited for for ever, and until the wait is ended', async () => {
    const { clock, put, wait, stop } = open()
    const end = wait(['kv:a'], { timeoutMs: Number.POSITIVE_INFINITY })
    await clock.advance(86_400_000)
    await put('a')
    expect(await clock.run(end)).toEqual(passed(86_400_000))
    const ended = wait(['kv:b'], { timeoutMs: Number.POSITIVE_INFINITY })
    stop.abort(new Error('enough'))
    await expect(ended).rejects.toThrow('enough')
    await clock.advance(60_000)
    expect(clock.pending).toBe(0)
  })

  test('sit out a time without a leader, and tell of it', async () => {
    const { clock, put, wait, agent } = open()
    const heard: (readonly Missing[])[] = []
    await put('a')
    agent.operator.leaderless(true)
    const end = wait(['kv:a'], { timeoutMs: 60_000, onMissing: (missing) => heard.push(missing) })
    await clock.advance(20_000)
    agent.operator.leaderless(false)
    expect(await clock.run(end)).toMatchObject({ passed: true })
    expect(heard.flat().map(({ why }) => why)).toContainEqual(expect.stringContaining('No cluster leader'))
  })
})

test('a line tells what is missing soon, at every change, and once a minute', async () => {
  const { clock, ctx, lines } = open()
  const [a, b] = ['kv:a', 'kv:b'].map((text) => ({ gate: parseGate(text), why: 'why' })) as [Missing, Missing]
  const line = new MissingReporter(ctx, 'waiting for')
  line.update([a, b])
  await clock.advance(10_000)
  line.update([b])
  await clock.advance(125_000)
  line[Symbol.dispose]()
  await clock.advance(600_000)
  const last = 'waiting for kv:b (why)'
  expect(lines).toEqual(['waiting for kv:a (why), kv:b (why)', last, last, last])
})
