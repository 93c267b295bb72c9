import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AbortReason } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/failure.ts'
import { type HostPort, hostPortText } from '../../base/host-port.ts'
import { PLAINLY } from '../catalog/member.ts'
import type { AgentReply, AgentWire } from '../request.ts'

/** Who answers the requests. */
export interface Answerer {
  /** Settles with the reply; rejects with the signal's reason when that aborts first. */
  handle(wire: AgentWire, signal: AbortSignal): Promise<AgentReply>
}

export interface FrontOptions {
  readonly clock: Clock
  readonly where: HostPort
  /** How long a connection may lie idle, in milliseconds; 0, as Consul has it: for ever. */
  readonly keepAliveMs: number
  /** What a write's answer waits for; what that rejects with is told to the client. */
  readonly kept?: () => Promise<void>
}

/** An HTTP server that speaks as a Consul agent. */
export interface HttpFront {
  /** Where it listens, as it turned out. */
  readonly address: HostPort
  /** Takes no more requests, and lets those that are under way end, for `ms` milliseconds. */
  close(ms: number): Promise<void>
}

const CLIENT_GONE = new AbortReason('the client has gone')

/** Twice what Consul takes for a value, or a transaction: it says itself that more than once is too much. */
const MAX_BODY_BYTES = 1_048_576

/** Listens until it is closed. Rejects with what Node has against the address. */
export async function openHttpFront(agent: Answerer, options: FrontOptions): Promise<HttpFront> {
  const { createServer } = process.getBuiltinModule('node:http')
  const { clock, where, keepAliveMs } = options
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (incoming, response) => {
    respond(agent, options, incoming, response).catch((thrown: unknown) => {
      if (!response.headersSent) send(response, text(500, messageOf(thrown)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  const { address: host, port } = server.address() as AddressInfo
  return {
    address: { host, port },
    async close(ms) {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const cancel = clock.after(ms, () => server.closeAllConnections())
      await closed
      cancel()
    },
  }
}

async function respond(
  agent: Answerer,
  { where, kept }: FrontOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort(CLIENT_GONE))
  incoming.on('error', () => {})
  response.on('error', () => {})
  const { method = 'GET', url = '/' } = incoming
  const body = await bodyOf(incoming)
  if (gone.signal.aborted) return
  if (body === undefined) {
    response.setHeader('connection', 'close')
    return send(response, text(413, `Request body too large, max size: ${MAX_BODY_BYTES} bytes`))
  }
  if (url === '/' || url.startsWith('/ui')) {
    return send(response, text(200, `consul-locker dev at ${hostPortText(where)}: ${PLAINLY}\n`))
  }
  const [path = '', query] = url.split(/(?=\?)/, 2)
  if (path.includes('//')) return redirect(response, path.replaceAll(/\/{2,}/g, '/') + (query ?? ''))
  try {
    const reply = await agent.handle({ method, path: url, body }, gone.signal)
    if (method !== 'GET') await kept?.()
    send(response, reply)
  } catch (thrown) {
    if (!gone.signal.aborted) throw thrown
  }
}

/** As Go's ServeMux does it. */
function redirect(response: ServerResponse, location: string): void {
  response.setHeader('location', location)
  send(response, text(301, ''))
}

function send(response: ServerResponse, { status, headers, text, bytes }: AgentReply): void {
  const body = bytes ?? Buffer.from(text)
  response.writeHead(status, { vary: 'Accept-Encoding', ...headers, 'content-length': body.length })
  response.end(body)
}

function text(status: number, text: string): AgentReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, text }
}

/** `undefined` for one that is too long. Rejects when the client goes away. */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
