import type { ClientRequest, IncomingMessage } from 'node:http'
import { scope, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'

/** A request to whoever is not Consul. */
export interface HttpRequest {
  readonly method: 'GET' | 'PUT'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  /** How much of the answer's body is wanted; of 0 nothing is read. More is an error. */
  readonly maxBytes: number
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/**
 * Asks a web server, over a connection of its own; redirects are answers like others. Settles with the answer. Rejects
 * with an `Error` whose message says what went wrong, or with the signal's reason.
 */
export async function askHttp(ctx: Context, request: HttpRequest): Promise<HttpAnswer> {
  using bounded = scope(ctx.signal)
  const late = new Error(`no answer within ${request.timeoutMs / 1000}s`)
  const cancel = ctx.clock.after(request.timeoutMs, () => bounded.abort(late))
  const outgoing = await open(request)
  try {
    return await unlessAborted(bounded.signal, exchange(outgoing, request))
  } finally {
    cancel()
    outgoing.destroy()
  }
}

async function open({ url, method, headers = {}, body }: HttpRequest): Promise<ClientRequest> {
  const all = {
    'user-agent': 'consul-locker',
    ...headers,
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  }
  if (url.protocol === 'http:') {
    const { request } = await import('node:http')
    return request(url, { method, headers: all, agent: false })
  }
  const { request } = await import('node:https')
  const { getCACertificates } = await import('node:tls')
  const ca = [...getCACertificates('default'), ...getCACertificates('system')]
  return request(url, { method, headers: all, agent: false, ca })
}

async function exchange(outgoing: ClientRequest, { body, maxBytes }: HttpRequest): Promise<HttpAnswer> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    // Stays for good: what breaks after the answer must not be an unheard error.
    outgoing.on('error', reject)
    outgoing.once('response', resolve)
  })
  outgoing.end(body)
  const answer = await answered
  const status = answer.statusCode ?? 0
  if (maxBytes === 0) return { status, text: '' }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { status, text: Buffer.concat(chunks).toString('utf8') }
}
