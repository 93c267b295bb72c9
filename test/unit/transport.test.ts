import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { consulSettings } from '../../src/cli/consul-settings.ts'
import { openTransport } from '../../src/consul/transport.ts'
import type { Transport } from '../../src/consul/wire.ts'

/** A transport to a server that answers with the number of the connection, but never to `/held`. */
async function serve(): Promise<{ transport: Transport; held: Promise<unknown>; breakAll(): void }> {
  const connections: IncomingMessage['socket'][] = []
  const server = createServer((request, response: ServerResponse) => {
    if (request.url === '/held') return holds()
    if (!connections.includes(request.socket)) connections.push(request.socket)
    response.end(String(connections.indexOf(request.socket)))
  })
  const { promise: held, resolve: holds } = Promise.withResolvers<void>()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = await openTransport(consulSettings(() => undefined, { CONSUL_HTTP_ADDR: address }))
  onTestFinished(() => {
    transport.close()
    server.closeAllConnections()
    server.close()
  })
  return { transport, held, breakAll: () => server.closeAllConnections() }
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
  await expect(heldReply).rejects.toMatchObject({ code: 'silent' })
  expect((await get(transport)).text).toBe('1')
})
