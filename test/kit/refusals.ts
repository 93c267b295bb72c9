import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { Ended } from './locker.ts'

/** One line with a hint in brackets, nothing on standard output, no stack trace. */
export function expectSentence(ended: Ended, code: number, sentence: RegExp): void {
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(sentence) })
  expect(ended.stderr).toMatch(/^consul-locker: error: [^\n]+ \([^\n]+\)\n$/)
  expect(ended.stderr).not.toContain('    at ')
  expect(ended.stderr.length).toBeLessThan(600)
}

/** A server that lives as long as the test. */
export async function serveTcp(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    talk(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
