import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import type { Context } from '../../../../src/base/context.ts'
import { portHealth, urlHealth } from '../../../../src/leader/application/health-probes.ts'
import { SILENT } from '../../../virtual/silent-log.ts'

const LONG_MS = 20_000
const under = (signal: AbortSignal): Context => ({ clock: systemClock, log: SILENT, signal, random: Math.random })
const ctx = under(new AbortController().signal)

/** The address of a web server that lives as long as the test. */
async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('an application that is asked by URL', () => {
  const ask = async (answer: (response: ServerResponse) => void, timeoutMs = LONG_MS) => {
    const url = `http://${await serve(answer)}/`
    const { healthy, message } = await urlHealth(ctx, url, timeoutMs)
    return [healthy, message.replace(url, 'URL')]
  }

  test('says itself how it is', async () => {
    expect(await ask((response) => response.end(' 3 shards\n'))).toEqual([true, '3 shards'])
    expect(await ask((response) => response.writeHead(503).end('starting'))).toEqual([false, 'starting'])
  })

  test('and says nothing is reported by its status', async () => {
    expect(await ask((response) => response.writeHead(204).end())).toEqual([true, 'URL: it answers 204'])
    expect(await ask((response) => response.writeHead(500).end())).toEqual([false, 'URL: it answers 500'])
  })

  test('may say more than anybody reads: the beginning is enough', async () => {
    const [healthy, message] = await ask((response) => {
      response.on('error', () => {})
      response.write('x'.repeat(100_000))
    })
    expect([healthy, String(message).length]).toEqual([true, 4096])
  })

  test('and breaks off, or keeps silent, is not healthy', async () => {
    const broken = await ask((response) =>
      response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
    )
    expect(broken).toEqual([false, expect.stringMatching(/^URL: (aborted|connection reset)$/)])
    expect(await ask(() => {}, 50)).toEqual([false, 'URL: no answer within 50ms'])
  })

  test('is reported as not healthy when the look is interrupted, or the URL is none', async () => {
    const stop = new AbortController()
    const address = await serve(() => stop.abort(new Error('we end')))
    expect(await urlHealth(under(stop.signal), `http://${address}/`, LONG_MS)).toMatchObject({ healthy: false })
    expect(await urlHealth(ctx, 'http://a b/', LONG_MS)).toMatchObject({ healthy: false })
  })
})

test('a port is healthy when something takes connections there', async () => {
  const address = await serve(() => {})
  expect(await portHealth(ctx, address, LONG_MS)).toEqual({
    healthy: true,
    message: `${address}: it takes connections`,
  })
  expect(await portHealth(ctx, '127.0.0.1:1', LONG_MS)).toEqual({
    healthy: false,
    message: '127.0.0.1:1: connection refused',
    role: 'stopped',
  })
  expect(await portHealth(ctx, 'db', LONG_MS)).toEqual({ healthy: false, message: 'db: it is no address' })
})
