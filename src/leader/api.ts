import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Failure, messageOf } from '../base/failure.ts'
import { expose } from './metrics.ts'
import type { View } from './view.ts'

const MAX_HEADER_BYTES = 8192
const REQUEST_MS = 5000
const MAX_CONNECTIONS = 256

interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
}

/** An agent's HTTP interface. */
export interface Api {
  close(): void
}

/**
 * Listens at `host:port`, for answers that rest on the last look: no request waits for the application. Rejects with a
 * `declined` failure when the address is taken.
 */
export async function openApi(address: string, view: () => View | undefined): Promise<Api> {
  const http = process.getBuiltinModule('node:http')
  const options = { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }
  const server = http.createServer(options, (request, response) => void serve(request, response, view))
  server.maxConnections = MAX_CONNECTIONS
  server.keepAliveTimeout = REQUEST_MS
  await listening(server, address)
  return {
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function listening(server: Server, address: string): Promise<void> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    server.once('error', (thrown: NodeJS.ErrnoException) => {
      const isTaken = thrown.code === 'EADDRINUSE'
      reject(
        new Failure('declined', `can't listen on ${address}: ${isTaken ? 'it is taken' : messageOf(thrown)}`, {
          hint: isTaken ? 'is another agent of this application running here? or give another api' : undefined,
          cause: thrown,
        }),
      )
    })
    server.listen({ host, port: Number(address.slice(colon + 1)) }, resolve)
  })
}

async function serve(request: IncomingMessage, response: ServerResponse, view: () => View | undefined): Promise<void> {
  response.on('error', () => {})
  // Bodies mean nothing here.
  request.on('error', () => {}).resume()
  const { status, body, type = 'application/json' } = await answerTo(request, view())
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answerTo({ method = '', url = '' }: IncomingMessage, view: View | undefined): Promise<Answer> {
  // HAProxy asks with OPTIONS unless it is told otherwise.
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) return json(405, 'Only GET, HEAD and OPTIONS are understood')
  const [path = ''] = url.split('?', 1)
  if (path === '/agent') return json(200, 'here')
  if (!view) return json(503, 'The agent is starting')
  if (path === '/health' || path.startsWith('/health/')) return json(view.healthy ? 200 : 500, view.message)
  switch (path) {
    case '/role':
      return json(200, view.role)
    case '/master':
      return json(view.role === 'master' ? 200 : 503, view.role)
    case '/replica':
      return json(view.role === 'slave' ? 200 : 503, view.role)
    case '/status':
      return json(200, view)
    case '/metrics':
      return { status: 200, ...(await expose(view)) }
    default:
      return json(404, 'Unsupported endpoint')
  }
}

function json(status: number, value: unknown): Answer {
  return { status, body: `${JSON.stringify(value)}\n` }
}
