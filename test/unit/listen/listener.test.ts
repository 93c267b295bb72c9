import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createLog } from '../../../src/base/log.ts'
import { openListener } from '../../../src/listen/listener.ts'

/** More than a system keeps for a reader who doesn't read. */
const SAID = 'x'.repeat(40_000_000)
const PER_PEER = 2

/** A listener that says a lot to everybody, and counts how often it was asked. */
async function talker() {
  const log = createLog({ format: 'text', quiet: false, debug: false, write: () => {} })
  const ctx = { clock: systemClock, log, random: Math.random, signal: new AbortController().signal }
  const asked = { times: 0 }
  const answer = async () => {
    asked.times += 1
    return { status: 200, type: 'text/plain', text: SAID }
  }
  const where = { host: '127.0.0.1', port: 0 }
  const listener = await openListener(ctx, where, answer, { all: 10, perPeer: PER_PEER })
  onTestFinished(() => listener.close(0))
  return { asked, address: listener.address, port: Number(listener.address.split(':')[1]) }
}

/** Connects, and reads nothing. */
async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause()
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

describe('a listener', () => {
  test('answers those of a peer all of whose other connections don’t read their answers', async () => {
    const { asked, address, port } = await talker()
    const silents = await Promise.all(Array.from({ length: PER_PEER }, () => silent(port)))
    for (const socket of silents) socket.write(REQUEST)
    await vi.waitFor(() => expect(asked.times).toBe(PER_PEER), 20_000)
    const answer = await fetch(`http://${address}/`)
    expect((await answer.text()).length).toBe(SAID.length)
  })

  test('answers nobody who asks on before the answer, and reads no more of it', async () => {
    const { asked, port } = await talker()
    const socket = await silent(port)
    socket.resume()
    socket.write(REQUEST.repeat(1000))
    await once(socket, 'close')
    expect(asked.times).toBe(1)
  })
})
