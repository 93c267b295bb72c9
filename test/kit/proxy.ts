import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import { afterTest } from './after-test.ts'

/** Stands between a locker and an agent: it counts, it can hold an answer back, and it can be a poor balancer. */
export interface Proxy {
  readonly address: string
  /** `METHOD /path` of each request so far. */
  readonly requests: readonly string[]
  /** Holds back the next answer to a request that matches, until `release`. */
  hold(pattern: RegExp): HeldAnswer
}

/** How it is poor, in milliseconds. */
export interface Poverty {
  /** Every answer comes so late. */
  readonly answersAfterMs?: number
  /** A request that takes longer is answered by the proxy, with 504. */
  readonly cutsAfterMs?: number
}

export interface HeldAnswer {
  /** Resolves when the agent has given the answer. */
  readonly arrived: Promise<void>
  release(): void
}

interface Gate {
  readonly pattern: RegExp
  readonly arrive: () => void
  readonly opened: Promise<void>
}

/** Starts a proxy that lives as long as the test. */
export async function startProxy(agent = inject('consulAddress'), poverty: Poverty = {}): Promise<Proxy> {
  const requests: string[] = []
  const gates: Gate[] = []
  const server = createServer((incoming, response) => {
    const line = `${incoming.method} ${incoming.url}`
    requests.push(line)
    const found = gates.findIndex(({ pattern }) => pattern.test(line))
    const [gate] = found < 0 ? [] : gates.splice(found, 1)
    pass(agent, incoming, response, gate, poverty)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  afterTest(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    hold(pattern) {
      const arrived = Promise.withResolvers<void>()
      const opened = Promise.withResolvers<void>()
      gates.push({ pattern, arrive: arrived.resolve, opened: opened.promise })
      return { arrived: arrived.promise, release: opened.resolve }
    },
  }
}

function pass(
  agent: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  gate: Gate | undefined,
  { answersAfterMs, cutsAfterMs }: Poverty,
): void {
  const { method, url, headers } = incoming
  const outgoing = forward(
    `${agent}${url}`,
    { method, headers: { ...headers, connection: 'close' } },
    async (answer) => {
      gate?.arrive()
      await gate?.opened
      if (answersAfterMs !== undefined) await delay(answersAfterMs)
      if (response.headersSent) return
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  const cut = cutsAfterMs && setTimeout(() => response.writeHead(504).end('Gateway Timeout'), cutsAfterMs)
  outgoing.on('error', () => response.destroy())
  response.on('close', () => {
    clearTimeout(cut)
    outgoing.destroy()
  })
  incoming.pipe(outgoing)
}
