import { describe, expect, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Loss } from '../../../src/lock/loss.ts'
import type { RunOutcome, RunResult } from '../../../src/run/run-outcome.ts'
import { BODY_BYTES, type PingPlan, pingUrl, RunPing } from '../../../src/run/run-ping.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'
import { webServer } from './web-server.ts'

const ended = (outcome: RunOutcome): RunResult => ({ outcome, fence: 7, waitedMs: 0 })
const FAILED = ended({ kind: 'ran', status: { code: 3 } })

interface About {
  readonly answer?: Parameters<typeof webServer>[0]
  readonly path?: string
  readonly output?: PingPlan['output']
}

/** A run that pings a server, which says OK. */
async function pinging({ answer = (response) => response.end('OK'), path = '/uuid', output }: About = {}) {
  const server = await webServer(answer)
  const clock = new VirtualClock()
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx: Context = { clock, log, signal: new AbortController().signal, random: () => 0 }
  const url = new URL(`${server.origin}${path}`)
  const ping = new RunPing(ctx, { url, runId: 'one', codeOf: () => 3, output: output ?? (async () => 'said') })
  return {
    ...server,
    ctx,
    clock,
    warnings,
    ping,
    paths: () => server.seen.map(({ path }) => path),
    warned: () => vi.waitUntil(() => warnings.length > 0, { timeout: 20_000, interval: 5 }),
  }
}

describe('a run pings', () => {
  test('when it has its lock, and when it has ended: how, and with the last of its output', async () => {
    const { ping, ctx, paths, seen, warnings } = await pinging()
    ping.acquired()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(paths()).toEqual(['/uuid/start?rid=one', '/uuid/3?rid=one'])
    expect(seen.map(({ body }) => body)).toEqual(['', 'said'])
    expect(warnings).toEqual([])
  })

  test.each(['/uuid/', '/uuid//', '/uuid#part'])('below %s', async (path) => {
    const { ping, ctx, paths } = await pinging({ path })
    ping.acquired()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(paths()).toEqual(['/uuid/start?rid=one', '/uuid/3?rid=one'])
  })

  test('with what the URL asks for besides', async () => {
    const { ping, asked, paths } = await pinging({ path: '/a//b?create=1&rid=two' })
    ping.acquired()
    await asked(1)
    expect(paths()).toEqual(['/a//b/start?create=1&rid=one'])
  })

  test('nothing when it never had the lock', async () => {
    const { ping, ctx, seen } = await pinging()
    ping.finished(ended({ kind: 'busy' }))
    await ping.settled(ctx)
    expect(seen).toEqual([])
  })

  test('nothing more when it has not ended yet', async () => {
    const { ping, ctx, asked, seen } = await pinging()
    ping.acquired()
    await asked(1)
    await ping.settled(ctx)
    expect(seen).toHaveLength(1)
  })
})

describe('the ping of a run’s end', () => {
  const LOSS = new Loss('key-taken', 'somebody else holds the key')

  test.each<[string, string, RunResult | Failure, string]>([
    [
      'that lost its lock',
      'said',
      ended({ kind: 'lost', loss: LOSS }),
      `said\nconsul-locker: the lock was lost: ${LOSS.sentence}`,
    ],
    ['that failed', '', new Failure('unreachable', 'Consul is away'), 'consul-locker: Consul is away'],
    ['that said nothing', '', FAILED, ''],
  ])('%s says why', async (_, output, end, body) => {
    const { ping, ctx, seen } = await pinging({ output: async () => output })
    ping.acquired()
    ping.finished(end)
    await ping.settled(ctx)
    expect(seen[1]?.body).toBe(body)
  })

  test.each<[string, string | undefined, number]>([
    ['as much as the server keeps', '100', 100],
    ['nothing when it keeps nothing', '0', 0],
    ['so much of its output', undefined, BODY_BYTES],
    ['no more when the server keeps more', '20000', BODY_BYTES],
    ['so much when the server speaks nonsense', '-1', BODY_BYTES],
    ['so much when the server says no number', 'much', BODY_BYTES],
  ])('has %s', async (_, limit, bytes) => {
    const { ping, ctx, seen } = await pinging({
      answer: (response) => response.writeHead(200, limit === undefined ? {} : { 'ping-body-limit': limit }).end('OK'),
      output: async () => `${'a'.repeat(30_000)}end`,
    })
    ping.acquired()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(seen[1]?.body).toHaveLength(bytes)
    if (bytes > 0) expect(seen[1]?.body).toMatch(/end$/)
  })

  test.each([
    ['4', '€x'],
    ['3', 'x'],
    ['2', 'x'],
    ['1', 'x'],
    ['7', '€€x'],
  ])('of %s bytes begins with a whole character', async (limit, body) => {
    const { ping, ctx, seen } = await pinging({
      answer: (response) => response.writeHead(200, { 'ping-body-limit': limit }).end('OK'),
      output: async () => '€€€x',
    })
    ping.acquired()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(seen[1]?.body).toBe(body)
  })

  test('comes behind that of its start', async () => {
    const free = Promise.withResolvers<void>()
    const { ping, ctx, asked, paths } = await pinging({
      async answer(response, nth) {
        if (nth === 1) await free.promise
        response.end('OK')
      },
    })
    ping.acquired()
    ping.finished(FAILED)
    const settled = ping.settled(ctx)
    await asked(1)
    expect(paths()).toEqual(['/uuid/start?rid=one'])
    free.resolve()
    await settled
    expect(paths()).toHaveLength(2)
  })

  test('comes instead of that of its start when that has not arrived', async () => {
    const { ping, ctx, clock, warned, paths, warnings, origin } = await pinging({
      answer: (response, nth) => response.writeHead(nth === 1 ? 503 : 200).end('OK'),
    })
    ping.acquired()
    await warned()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(clock.nowMs).toBe(0)
    expect(paths()).toEqual(['/uuid/start?rid=one', '/uuid/3?rid=one'])
    expect(warnings).toEqual([`the ping of the run's start doesn't reach ${origin}: it answers 503`])
  })

  test('is waited for during 15 seconds, and no longer', async () => {
    const { ping, ctx, clock, asked, warnings, origin } = await pinging({
      answer: (response, nth) => nth === 1 && response.end('OK'),
    })
    ping.acquired()
    ping.finished(FAILED)
    let isSettled = false
    const settled = ping.settled(ctx).then(() => {
      isSettled = true
    })
    await asked(2)
    for (const [tries, ms] of [
      [3, 5500],
      [4, 6000],
    ] as const) {
      await clock.advance(ms)
      await asked(tries)
    }
    await clock.advance(3499)
    expect(isSettled).toBe(false)
    await clock.advance(1)
    await settled
    expect(warnings).toEqual([`the ping of the run's end doesn't reach ${origin}: no answer`])
    expect(clock.pending).toBe(0)
  })

  test('is waited for no longer when somebody wants us to leave', async () => {
    const told = new AbortController()
    const { ping, ctx, clock, asked, warnings } = await pinging({
      answer: (response, nth) => nth === 1 && response.end('OK'),
    })
    ping.acquired()
    ping.finished(FAILED)
    const settled = ping.settled({ ...ctx, signal: told.signal })
    await asked(2)
    told.abort(new AbortReason('told to leave'))
    await settled
    expect(clock.nowMs).toBe(0)
    expect(warnings).toEqual([expect.stringContaining('no answer')])
  })

  test('that is refused is warned of, and why', async () => {
    const { ping, ctx, warnings, origin } = await pinging({
      answer: (response, nth) => response.writeHead(nth === 1 ? 200 : 404).end('OK'),
    })
    ping.acquired()
    ping.finished(FAILED)
    await ping.settled(ctx)
    expect(warnings).toEqual([`the ping of the run's end doesn't reach ${origin}: it answers 404`])
  })

  test('hides no fault of ours', async () => {
    const { ping, ctx } = await pinging({ output: () => Promise.reject(new Error('a fault')) })
    ping.acquired()
    ping.finished(FAILED)
    await expect(ping.settled(ctx)).rejects.toThrow('a fault')
  })
})

test('of a start that does not arrive is warned once', async () => {
  const { ping, clock, asked, warned, warnings } = await pinging({
    answer: (response) => response.writeHead(503).end(),
  })
  ping.acquired()
  await warned()
  await clock.advance(500)
  await asked(2)
  await vi.waitUntil(() => clock.pending === 1, { timeout: 20_000, interval: 5 })
  expect(warnings).toHaveLength(1)
})

describe('a URL for pings', () => {
  test.each(['http://localhost/uuid', 'https://hc-ping.com/uuid?create=1'])('is %s', (text) => {
    expect(pingUrl(text).href).toBe(text)
  })

  test.each(['', 'hc-ping.com/secret', 'ftp://host/secret', 'file:///secret'])('is not %j', (text) => {
    const hint = 'as in --ping https://hc-ping.com/<uuid>'
    const refusal = expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('secret'), hint })
    expect(() => pingUrl(text)).toThrow(refusal)
  })
})
