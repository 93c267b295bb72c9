import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished, vi } from 'vitest'

/** One request that has arrived, whole. */
export interface SeenRequest {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A web server on this machine that lives as long as the test; `nth` counts what it has been asked, from 1. */
export async function webServer(answer: (response: ServerResponse, nth: number, request: SeenRequest) => void) {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    response.on('error', () => {})
    const { method, url: path, headers } = request
    const one = { method, path, headers, body: await text(request) }
    answer(response, seen.push(one), one)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    /** Waits until it has been asked so often. */
    async asked(times: number) {
      await vi.waitUntil(() => seen.length >= times, { timeout: 20_000, interval: 5 })
    },
  }
}
