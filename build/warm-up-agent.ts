import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { systemClock } from '../src/base/clock.ts'
import type { WireRequest } from '../src/consul/wire.ts'
import { DevAgent } from '../src/devagent/dev-agent.ts'

/** Starts an agent in memory for the warm-up, behind an HTTP server that answers as Consul's does. */
export async function startWarmUpAgent(): Promise<{ address: string; stop(): void }> {
  const agent = new DevAgent({ clock: systemClock, random: Math.random })
  const server = createServer((request, response) => {
    answer(agent, request, response).catch(() => response.destroy())
  })
  // undici lets go of an idle connection 2 s before the server would, so 1 s after its last answer.
  server.keepAliveTimeout = 3000
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { address: `127.0.0.1:${port}`, stop }
}

async function answer(agent: DevAgent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const method = request.method as WireRequest['method']
  const wire = { method, path: request.url ?? '', body: await text(request) }
  const reply = await agent.handle(wire, gone.signal)
  const type = { 'Content-Type': 'application/json', Vary: 'Accept-Encoding' }
  response.writeHead(reply.status, { ...type, ...reply.headers, 'Content-Length': Buffer.byteLength(reply.text) })
  response.end(reply.text)
}
