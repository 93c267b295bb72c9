import type { ClientRequest, IncomingMessage } from 'node:http'
import { unlessAborted } from '../base/abort.ts'
import { knownAuthorities } from '../base/certificate-authorities.ts'
import type { Context } from '../base/context.ts'

/** A request to whoever is not Consul. */
export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How much of the answer's body is wanted; what is longer is cut off. */
  readonly maxBytes: number
  /** Whether a server's certificate may be anybody's. */
  readonly isInsecure?: boolean
}

export interface HttpAnswer {
  readonly status: number
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  readonly text: string
  /** Whether there was more than was wanted. */
  readonly isCut: boolean
}

/**
 * Asks a web server, over a connection of its own that ends with this call; redirects are answers like others. Rejects
 * with the connection's error, or with the signal's reason.
 */
export async function askHttp(ctx: Context, request: HttpRequest): Promise<HttpAnswer> {
  const outgoing = await open(request)
  try {
    return await unlessAborted(ctx.signal, exchange(outgoing, request))
  } finally {
    outgoing.destroy()
  }
}

/** Modules are loaded only now: most of those who may ask never do. */
async function open({ url, method, headers = {}, body, isInsecure = false }: HttpRequest): Promise<ClientRequest> {
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
  const trust = isInsecure ? { rejectUnauthorized: false } : { ca: await knownAuthorities() }
  return request(url, { method, headers: all, agent: false, ...trust })
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
  const chunks: Buffer[] = []
  let size = 0
  if (maxBytes > 0) {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
  }
  const text = Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
  return { status, headers: answer.headersDistinct, text, isCut: size > maxBytes }
}
