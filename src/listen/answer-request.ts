import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { ConnectionLimiter } from './connection-limiter.ts'
import { peerOf } from './peer.ts'
import { type ResponseStream, streamTo } from './response-stream.ts'

/** A request as it came. Nothing of its body has been read. */
export interface ListenerRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Who asks: see `peerOf`. */
  readonly peer: string
  readonly headers: IncomingHttpHeaders
  /** Reads the body as far as `maxBytes`; `undefined` when there is more. Rejects when the other side goes away. */
  readonly body: (maxBytes: number) => Promise<string | undefined>
}

/** What is answered. */
export interface ListenerResponse {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on, until its `stream` settles or the other side goes. */
export interface StreamedResponse extends Omit<ListenerResponse, 'text'> {
  readonly stream: (out: ResponseStream) => Promise<void>
}

/** Makes the answer to a request. */
export type Answer = (request: ListenerRequest) => Promise<ListenerResponse | StreamedResponse>

/** Answers a request. One that comes before the last was answered ends its connection. */
export async function answerRequest(
  ctx: Context,
  limiter: ConnectionLimiter<Socket>,
  answer: Answer,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { socket } = incoming
  incoming.on('error', () => {})
  response.on('error', () => {})
  if (socket.destroyed) return
  if (limiter.isBusy(socket)) {
    // To ask on before the answer costs a stranger nothing, and us time and memory for all of these requests.
    socket.destroy()
    return
  }
  limiter.begin(socket)
  const [path = '', query = ''] = (incoming.url ?? '').split('?', 2)
  const request: ListenerRequest = {
    method: incoming.method ?? '',
    path,
    query: new URLSearchParams(query),
    peer: peerOf(socket.remoteAddress ?? ''),
    headers: incoming.headers,
    body: async (maxBytes) => {
      // Whoever sends half a body is idle.
      limiter.end(socket)
      try {
        return await readBody(incoming, maxBytes)
      } finally {
        limiter.begin(socket)
      }
    },
  }
  try {
    const answered = await answer(request)
    if ('text' in answered) return send(incoming, response, answered)
    limiter.stream(socket)
    response.writeHead(answered.status, headersOf(incoming, answered))
    await streamTo(ctx, response, answered.stream)
  } catch (thrown) {
    if (socket.destroyed) return
    if (response.headersSent) {
      socket.destroy()
      return
    }
    ctx.log.error(`a request could not be answered: ${messageOf(thrown)}`)
    send(incoming, response, { status: 500, type: 'text/plain; charset=utf-8', text: 'something went wrong here\n' })
  } finally {
    // Whether it is read is the other side's business.
    limiter.end(socket)
  }
}

function send(incoming: IncomingMessage, response: ServerResponse, answer: ListenerResponse): void {
  const { status, text } = answer
  response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headersOf(incoming, answer) })
  response.end(text)
}

function headersOf(incoming: IncomingMessage, { type, headers }: Pick<ListenerResponse, 'type' | 'headers'>) {
  return {
    'content-type': type,
    ...headers,
    // A body that wasn't read to its end would be taken for the next request.
    ...(hasBody(incoming) && !incoming.complete ? { connection: 'close' } : {}),
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return undefined
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else resolve(undefined)
    })
    incoming.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    incoming.once('close', () => reject(new Error('the other side has gone')))
  })
}
