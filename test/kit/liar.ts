import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'
import { afterTest } from './after-test.ts'

/** An answer of an agent's, before it is passed on. */
export interface Answer {
  readonly method: string
  readonly path: string
  status: number
  /** `X-Consul-Index`; absent when the answer has none. */
  index: string | undefined
  /** By the agent's clock. */
  date: string
  body: string
}

/** Somebody who answers in an agent's place. */
export interface Liar {
  readonly address: string
  close(): void
}

/** Starts one that asks the agent, and changes what that says as `lie` does to it. It lives as long as the test. */
export async function startLiar(lie: (answer: Answer) => void, agent = inject('consulAddress')): Promise<Liar> {
  const server = createServer((incoming, response) => pass(agent, incoming, response, lie))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  afterTest(close)
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

function pass(agent: string, incoming: IncomingMessage, response: ServerResponse, lie: (answer: Answer) => void): void {
  const { method = '', url = '', headers } = incoming
  const outgoing = forward(
    `${agent}${url}`,
    { method, headers: { ...headers, connection: 'close' } },
    async (reply) => {
      const body = await text(reply).catch(() => undefined)
      // Whoever asked is gone, or the agent.
      if (body === undefined) return void response.destroy()
      const index = reply.headers['x-consul-index'] as string | undefined
      const { date = '' } = reply.headers
      const answer: Answer = { method, path: url, status: reply.statusCode ?? 0, index, date, body }
      lie(answer)
      const told = answer.index === undefined ? {} : { 'x-consul-index': answer.index }
      response
        .writeHead(answer.status, { 'content-type': 'application/json', date: answer.date, ...told })
        .end(answer.body)
    },
  )
  outgoing.on('error', () => response.destroy())
  response.on('close', () => outgoing.destroy())
  incoming.pipe(outgoing)
}
