import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readConsulSettings } from '../../../src/cli/connection/read-consul-settings.ts'
import { CONSUL_OPTIONS } from '../../../src/cli/options/consul-options.ts'
import { valuesOf } from '../../../src/cli/syntax/option.ts'
import { openTransport } from '../../../src/consul/transport.ts'
import type { Transport } from '../../../src/consul/wire.ts'

const PIECE = Buffer.alloc(1 << 20, ' ')

/**
 * A transport to a server that answers with the number of the connection, but never to `/held`, in pieces to `/pieces`,
 * and with more and more to `/endless`.
 */
async function serve(): Promise<{ transport: Transport; held: Promise<unknown>; breakAll(): void }> {
  const connections: IncomingMessage['socket'][] = []
  const server = createServer((request, response: ServerResponse) => {
    if (request.url === '/held') return holds()
    if (request.url === '/pieces') return inPieces(response, 'häppchenweise')
    if (request.url === '/endless') return Readable.from(endless()).pipe(response)
    if (!connections.includes(request.socket)) connections.push(request.socket)
    response.end(String(connections.indexOf(request.socket)))
  })
  const { promise: held, resolve: holds } = Promise.withResolvers<void>()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = await openTransport(readConsulSettings(valuesOf(CONSUL_OPTIONS, {}), { CONSUL_HTTP_ADDR: address }))
  onTestFinished(() => {
    transport.close()
    server.closeAllConnections()
    server.close()
  })
  return { transport, held, breakAll: () => server.closeAllConnections() }
}

/** Each byte on its own, also those of one character. */
async function inPieces(response: ServerResponse, text: string): Promise<void> {
  response.socket?.setNoDelay()
  for (const byte of Buffer.from(text)) {
    response.write(Buffer.of(byte))
    await setImmediate()
  }
  response.end()
}

function* endless() {
  for (;;) yield PIECE
}

const never = new AbortController().signal
const get = (transport: Transport, path = '/', signal = never) => transport.send({ method: 'GET', path }, signal)

test('requests one after the other share a connection', async () => {
  const { transport } = await serve()
  expect([await get(transport), await get(transport)].map(({ text }) => text)).toEqual(['0', '0'])
})

test('a request that is given up takes no other with it, not even one that was sent before the giving up was known', async () => {
  const { transport, held } = await serve()
  const given = new AbortController()
  const heldReply = get(transport, '/held', given.signal)
  await held
  given.abort(new Error('no more'))
  const other = get(transport)
  await expect(heldReply).rejects.toThrow('no more')
  expect((await other).status).toBe(200)
})

test('a long poll leaves the open connection to the next short request', async () => {
  const { transport, held } = await serve()
  await get(transport)
  transport.send({ method: 'GET', path: '/held', longPoll: true }, never).catch(() => {})
  await held
  expect((await get(transport)).text).toBe('0')
})

test('no request waits for one that is held back', async () => {
  const { transport, held } = await serve()
  const heldReply = get(transport, '/held')
  await held
  expect((await get(transport)).status).toBe(200)
  transport.close()
  await expect(heldReply).rejects.toThrow()
})

test('after a connection broke the next request opens a new one', async () => {
  const { transport, held, breakAll } = await serve()
  const heldReply = get(transport, '/held')
  await held
  expect((await get(transport)).text).toBe('0')
  breakAll()
  await expect(heldReply).rejects.toMatchObject({ code: 'unreachable' })
  expect((await get(transport)).text).toBe('1')
})

test('a reply that comes in pieces is put together, and one that never ends is cut off', async () => {
  const { transport } = await serve()
  expect((await get(transport, '/pieces')).text).toBe('häppchenweise')
  await expect(get(transport, '/endless')).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining('more than 8 MB'),
  })
  expect((await get(transport)).status).toBe(200)
})

test('a signal ends a request at once, wherever that is, and one that aborted before sends nothing', async () => {
  const { transport, held } = await serve()
  const reason = new Error('enough')
  const given = new AbortController()
  const waiting = get(transport, '/held', given.signal)
  given.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(get(transport, '/held', given.signal)).rejects.toBe(reason)
  expect(await Promise.race([held, get(transport)])).toMatchObject({ status: 200 })
})
