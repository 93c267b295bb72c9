import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createLog } from '../../../src/base/log.ts'
import { openListener } from '../../../src/listen/listener.ts'
import type { ResponseStream } from '../../../src/listen/response-stream.ts'

const PATIENCE = { timeout: 20_000 }
/** More than a system keeps for a reader who doesn't read. */
const LARGE = 'x'.repeat(40_000_000)

/** A listener whose every answer is a stream. */
async function streamer(stream: (out: ResponseStream) => Promise<void>, perPeer = 10) {
  const log = createLog({ format: 'text', quiet: false, debug: false, write: () => {} })
  const ctx = { clock: systemClock, log, random: Math.random, signal: new AbortController().signal }
  const answer = async () => ({ status: 200, type: 'text/event-stream', stream })
  const listener = await openListener(ctx, { host: '127.0.0.1', port: 0 }, answer, { all: 20, perPeer })
  onTestFinished(() => listener.close(0))
  return { url: `http://${listener.address}/`, port: Number(listener.address.split(':')[1]) }
}

/** Asks for a stream, and reads nothing of it. */
async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause()
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  return socket
}

test('a stream says what it has to say, and ends', async () => {
  const { url } = await streamer(async (out) => {
    await out.write('one ')
    await out.write('two')
  })
  expect(await (await fetch(url)).text()).toBe('one two')
})

test('a stream is told when its reader has gone', async () => {
  const gone = Promise.withResolvers<void>()
  const { url } = await streamer(async (out) => {
    await out.write('one')
    await once(out.signal, 'abort')
    gone.resolve()
  })
  const controller = new AbortController()
  await (await fetch(url, { signal: controller.signal })).body?.getReader().read()
  controller.abort()
  await gone.promise
})

test('a stream waits for a reader who does not read, and keeps one text for him', async () => {
  let begun = 0
  let taken = 0
  const { port } = await streamer(async (out) => {
    for (;;) {
      begun += 1
      await out.write(LARGE)
      taken += 1
    }
  })
  const socket = await silent(port)
  await vi.waitFor(() => expect(begun).toBe(1), PATIENCE)
  expect(taken).toBe(0)
  socket.resume()
  await vi.waitFor(() => expect(taken).toBeGreaterThan(0), PATIENCE)
})

test('who only holds streams open keeps nobody of the same peer out', async () => {
  const { url, port } = await streamer(async (out) => {
    await out.write('hello')
    await once(out.signal, 'abort')
  }, 3)
  const holders = await Promise.all([1, 2, 3, 4, 5].map(() => silent(port)))
  const first = await (await fetch(url)).body?.getReader().read()
  expect(Buffer.from(first?.value ?? []).toString()).toBe('hello')
  // The oldest had to go.
  for (const holder of holders) holder.resume()
  await vi.waitFor(() => expect(holders.filter((holder) => holder.closed).length).toBeGreaterThanOrEqual(3), PATIENCE)
})
