import { describe, expect, test } from 'vitest'
import { sleep } from '../../../../../src/base/abort.ts'
import type { Context } from '../../../../../src/base/context.ts'
import { Failure } from '../../../../../src/base/failure.ts'
import { gauge, type Metric } from '../../../../../src/base/prometheus.ts'
import { Exposition, type ReadMetrics } from '../../../../../src/cli/commands/metrics/exposition.ts'
import { answerScrape } from '../../../../../src/cli/commands/metrics/metrics-server.ts'
import { SharedSecret } from '../../../../../src/listen/shared-secret.ts'
import { SILENT } from '../../../../virtual/silent-log.ts'
import { VirtualClock } from '../../../../virtual/virtual-clock.ts'

const ONE: readonly Metric[] = [gauge('consul_locker_one', 'One', [{ value: 1 }])]
const failing = () => Promise.reject(new Failure('unreachable', 'Consul is away'))

function expositionOf(first: ReadMetrics) {
  const clock = new VirtualClock()
  const lines: string[] = []
  const tell = (line: string) => void lines.push(line)
  const log = { ...SILENT, notice: tell, warn: tell }
  const ctx: Context = { clock, log, signal: new AbortController().signal, random: () => 0.5 }
  let [reads, read] = [0, first]
  const exposition = new Exposition(ctx, (ctx) => {
    reads += 1
    return read(ctx)
  })
  return {
    clock,
    lines,
    exposition,
    reads: () => reads,
    meet: (next: ReadMetrics) => {
      read = next
    },
    value: async (name: string) => {
      const text = await clock.run(exposition.text())
      return text
        .split('\n')
        .find((line) => line.startsWith(`consul_locker_${name} `))
        ?.split(' ')[1]
    },
  }
}

describe('what a scrape gets', () => {
  test('was read at most once a second, however many ask', async () => {
    const { clock, exposition, reads } = expositionOf(async (ctx) => {
      await sleep(ctx, 300)
      return ONE
    })
    const all = [1, 2, 3].map(() => exposition.text())
    expect(new Set(await clock.run(Promise.all(all))).size).toBe(1)
    await clock.advance(999)
    await clock.run(exposition.text())
    expect(reads()).toBe(1)
    await clock.advance(1)
    await clock.run(exposition.text())
    expect(reads()).toBe(2)
  })

  test('tells that Consul could not be read, how often, and once in the log', async () => {
    const { clock, value, meet, lines } = expositionOf(failing)
    expect(await value('up')).toBe('0')
    expect(await value('one')).toBeUndefined()
    await clock.advance(1000)
    expect(await value('read_failures_total')).toBe('2')
    expect(lines).toEqual([expect.stringContaining('Consul is away')])
    meet(async () => ONE)
    await clock.advance(1000)
    expect([await value('up'), await value('one'), await value('read_failures_total')]).toEqual(['1', '1', '2'])
    expect(lines).toEqual([expect.anything(), 'Consul can be read again'])
  })

  test('is there before Prometheus gives up, though Consul is silent', async () => {
    const { clock, value } = expositionOf((ctx) => sleep(ctx, 60_000).then(() => ONE))
    expect(await value('up')).toBe('0')
    expect(clock.nowMs).toBeLessThan(10_000)
  })
})

describe('a request', () => {
  const text = async () => 'metrics\n'
  const ask = (method: string, path: string, authorization?: string, secret?: string) =>
    answerScrape(
      { method, path, headers: authorization === undefined ? {} : { authorization } },
      { text },
      secret === undefined ? undefined : new SharedSecret(`Bearer ${secret}`),
    )

  test('gets the metrics as the text format, and what else it asks for a sentence', async () => {
    expect(await ask('GET', '/metrics')).toEqual({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      text: 'metrics\n',
    })
    expect(await ask('GET', '/')).toMatchObject({ status: 200, text: 'the metrics are at /metrics\n' })
    expect(await ask('GET', '/other')).toMatchObject({ status: 404 })
    expect(await ask('POST', '/metrics')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })

  test('needs the bearer token where there is one', async () => {
    expect(await ask('GET', '/metrics', undefined, 'secret')).toMatchObject({ status: 401 })
    expect(await ask('GET', '/', 'Bearer other', 'secret')).toMatchObject({ status: 401 })
    expect(await ask('GET', '/metrics', 'Bearer secret', 'secret')).toMatchObject({ status: 200 })
  })
})
