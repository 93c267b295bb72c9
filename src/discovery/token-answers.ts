import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { RateLimit } from './rate-limit.ts'
import { isToken, type TokenBook } from './token-book.ts'
import { parsePublication } from './token-list.ts'

/** A request as the server got it. */
export interface TokenRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Whether it gives the shared secret, or none is asked for. */
  readonly trusted: boolean
  readonly client: string
  /** Reads the body. Rejects with a `too-large` answer. */
  readonly body: () => Promise<string>
}

export interface TokenAnswer {
  readonly status: number
  readonly type: 'text/plain; charset=utf-8' | 'application/json'
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that ends a request wherever it has got to. */
export class EarlyAnswer extends Error {
  readonly answer: TokenAnswer

  constructor(answer: TokenAnswer) {
    super(answer.text)
    this.answer = answer
  }
}

const HELP = 'GET /new to get a new discovery token'

/** Answers one request; never rejects but with the signal's reason, or for a bug. */
export async function answer(
  ctx: Context,
  book: TokenBook,
  limit: RateLimit,
  request: TokenRequest,
): Promise<TokenAnswer> {
  try {
    return await route(ctx, book, limit, request)
  } catch (thrown) {
    if (thrown instanceof EarlyAnswer) return thrown.answer
    if (!(thrown instanceof Failure)) throw thrown
    if (thrown.code === 'usage')
      return sentence(400, thrown.hint ? `${thrown.message}, ${thrown.hint}` : thrown.message)
    if (thrown.code === 'declined') return sentence(409, thrown.message)
    ctx.log.warn(`a request failed: ${messageOf(thrown)}`)
    return sentence(503, 'Consul does not answer, try again later')
  }
}

async function route(ctx: Context, book: TokenBook, limit: RateLimit, request: TokenRequest): Promise<TokenAnswer> {
  const { method, path, trusted, client } = request
  if (!limit.allows(client)) return { ...sentence(429, 'too many requests'), headers: { 'retry-after': '1' } }
  if (path === '/') return reads(method) ? text(HELP) : notAllowed('GET')
  if (!trusted) {
    return { ...sentence(401, 'the shared secret is missing or wrong'), headers: { 'www-authenticate': 'Bearer' } }
  }
  if (path === '/new') return method === 'GET' ? text(await book.create(ctx)) : notAllowed('GET')
  const token = path.slice(1).replace(/\/$/, '')
  if (!isToken(token)) return sentence(404, 'there is no such token')
  if (reads(method)) return list(await book.read(ctx, token))
  // The document of the original says "post", and its program took PUT.
  if (method !== 'PUT' && method !== 'POST') return notAllowed('GET, PUT')
  const servers = parsePublication(await request.body())
  return (await book.publish(ctx, token, servers)) ? text('') : sentence(404, 'there is no such token')
}

function reads(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function list(servers: readonly string[] | undefined): TokenAnswer {
  if (!servers) return sentence(404, 'there is no such token')
  return { status: 200, type: 'application/json', text: JSON.stringify(servers) }
}

function text(text: string): TokenAnswer {
  return { status: 200, type: 'text/plain; charset=utf-8', text }
}

function notAllowed(allow: string): TokenAnswer {
  return { ...sentence(405, `only ${allow} make sense here`), headers: { allow } }
}

/** What went wrong, in one sentence. */
export function sentence(status: number, what: string): TokenAnswer {
  return { status, type: 'text/plain; charset=utf-8', text: `${what}\n` }
}
