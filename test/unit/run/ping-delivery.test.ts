import { describe, expect, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { deliver } from '../../../src/run/ping-delivery.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'
import { webServer } from './web-server.ts'

const WHILE = { timeout: 20_000, interval: 5 }
const ENOUGH = new AbortReason('enough')

/** Begins to send a ping to a server that answers so; `enough` ends that as the context does unless it is told. */
async function sending(answer: Parameters<typeof webServer>[0], enough?: AbortSignal) {
  const server = await webServer(answer)
  const told = new AbortController()
  const clock = new VirtualClock()
  const ctx: Context = { clock, log: SILENT, signal: told.signal, random: () => 0 }
  const troubles: string[] = []
  const url = new URL(`${server.origin}/uuid`)
  const sent = deliver(ctx, { url, body: 'wörds' }, (why) => void troubles.push(why), enough)
  sent.catch(() => {})
  return {
    ...server,
    clock,
    troubles,
    sent,
    tell: (reason: AbortReason) => told.abort(reason),
    /** Waits until so many tries have come to nothing. */
    failed: (times: number) => vi.waitUntil(() => troubles.length >= times, WHILE),
  }
}

describe('a ping', () => {
  test('is text that is posted', async () => {
    const { sent, seen, troubles } = await sending((response) => response.writeHead(201).end('OK'))
    expect(await sent).toMatchObject({ status: 201, text: 'OK' })
    expect(seen).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/uuid',
        body: 'wörds',
        headers: expect.objectContaining({ 'content-type': 'text/plain; charset=utf-8', 'content-length': '6' }),
      }),
    ])
    expect(troubles).toEqual([])
  })

  test.each([408, 425, 429, 500, 503])('is sent again after a %i, with growing pauses', async (status) => {
    const { sent, seen, troubles, clock, failed } = await sending((response, nth) =>
      response.writeHead(nth < 3 ? status : 200).end('OK'),
    )
    await failed(1)
    await clock.advance(499)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    await failed(2)
    await clock.advance(999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await sent).toMatchObject({ status: 200 })
    expect(troubles).toEqual([`it answers ${status}`, `it answers ${status}`])
    expect(seen).toHaveLength(3)
  })

  test('is sent again when a connection breaks', async () => {
    const { sent, troubles, clock, failed } = await sending((response, nth) =>
      nth === 1 ? response.destroy() : response.end('OK'),
    )
    await failed(1)
    await clock.advance(500)
    expect(await sent).toMatchObject({ status: 200 })
    expect(troubles).toEqual([expect.stringMatching(/hang up|reset/)])
  })

  test('is sent again when nobody has answered for five seconds', async () => {
    const { sent, troubles, clock, asked } = await sending((response, nth) => nth > 1 && response.end('OK'))
    await asked(1)
    await clock.advance(4999)
    expect(troubles).toEqual([])
    await clock.advance(1)
    expect(troubles).toEqual(['no answer'])
    await clock.advance(500)
    expect(await sent).toMatchObject({ status: 200 })
    expect(clock.pending).toBe(0)
  })

  test.each<[string, number, string, string]>([
    ['an address that is not there', 404, '', 'it answers 404'],
    ['a request that is refused', 499, 'OK', 'it answers 499'],
    ['a redirect', 300, '', 'it answers 300, and redirects are not followed'],
    ['the last of the redirects', 399, '', 'it answers 399, and redirects are not followed'],
    ['what is none any more', 400, '', 'it answers 400'],
    ['a check that nobody knows', 200, 'OK (not\nfound)', 'it answers "OK (not found)"'],
    ['a check that nobody knows, said otherwise', 299, 'OK (gone)', 'it answers "OK (gone)"'],
  ])('is given up for %s', async (_, status, text, why) => {
    const { sent, troubles, seen } = await sending((response) => response.writeHead(status).end(text))
    expect(await sent).toBeUndefined()
    expect(troubles).toEqual([why])
    expect(seen).toHaveLength(1)
  })

  test('reads no more of an answer than anybody needs', async () => {
    const { sent } = await sending((response) => response.end('x'.repeat(1000)))
    expect((await sent)?.text).toHaveLength(200)
  })
})

describe('whoever has had enough', () => {
  test('lets a try that is under way arrive', async () => {
    const answer = Promise.withResolvers<void>()
    const enough = new AbortController()
    const { sent, asked } = await sending(async (response) => {
      await answer.promise
      response.end('OK')
    }, enough.signal)
    await asked(1)
    enough.abort(ENOUGH)
    answer.resolve()
    expect(await sent).toMatchObject({ status: 200 })
  })

  test('hears that a try under way came to nothing, and of no other', async () => {
    const answer = Promise.withResolvers<void>()
    const enough = new AbortController()
    const { sent, asked, seen, troubles } = await sending(async (response) => {
      await answer.promise
      response.writeHead(503).end()
    }, enough.signal)
    await asked(1)
    enough.abort(ENOUGH)
    answer.resolve()
    expect(await sent).toBeUndefined()
    expect({ tries: seen.length, troubles }).toEqual({ tries: 1, troubles: ['it answers 503'] })
  })

  test('waits for no other try', async () => {
    const enough = new AbortController()
    const { sent, failed, clock } = await sending((response) => response.writeHead(503).end(), enough.signal)
    await failed(1)
    enough.abort(ENOUGH)
    expect(await sent).toBeUndefined()
    expect(clock.nowMs).toBe(0)
  })
})

test.each(['a try', 'a pause'])('whoever leaves during %s hears why at once', async (phase) => {
  const { sent, asked, failed, tell } = await sending((response) => {
    if (phase === 'a pause') response.writeHead(503).end()
  })
  await (phase === 'a pause' ? failed(1) : asked(1))
  const reason = new AbortReason('told to leave')
  tell(reason)
  await expect(sent).rejects.toBe(reason)
})
