import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Answer, Asked } from '../listen/listener.ts'
import type { RateLimit } from './rate-limit.ts'
import { isToken, type TokenBook } from './token-book.ts'
import { parsePublication } from './token-list.ts'

/** Who may ask for what. */
export interface TokenTerms {
  /** Asked of every request but `GET /`. */
  readonly secret: { readonly fits: (authorization: string | undefined) => boolean } | undefined
  /** Of requests; each server in a publication is one more. */
  readonly requests: RateLimit
  /** Of new tokens. */
  readonly creations: RateLimit
}

const HELP = 'GET /new to get a new discovery token'
/** More than MAX_SERVERS of the longest addresses take. */
const MAX_BODY = 4096

/** Answers one request; never rejects but with the signal's reason, or for a bug. */
export async function answer(ctx: Context, book: TokenBook, terms: TokenTerms, asked: Asked): Promise<Answer> {
  try {
    return await route(ctx, book, terms, asked)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    if (thrown.code === 'usage')
      return sentence(400, thrown.hint ? `${thrown.message}, ${thrown.hint}` : thrown.message)
    if (thrown.code === 'declined') return sentence(409, thrown.message)
    ctx.log.warn(`a request failed: ${messageOf(thrown)}`)
    return sentence(503, 'Consul does not answer, try again later')
  }
}

async function route(ctx: Context, book: TokenBook, terms: TokenTerms, asked: Asked): Promise<Answer> {
  const { method, path, peer } = asked
  const { secret, requests, creations } = terms
  if (!requests.allows(peer)) return tooMany('too many requests', 1)
  if (path === '/') return reads(method) ? text(HELP) : notAllowed('GET')
  if (secret && !secret.fits(asked.authorization)) {
    return { ...sentence(401, 'the shared secret is missing or wrong'), headers: { 'www-authenticate': 'Bearer' } }
  }
  if (path === '/new') {
    if (method !== 'GET') return notAllowed('GET')
    if (!creations.allows(peer)) return tooMany('too many new tokens', 60)
    return text(await book.create(ctx))
  }
  const token = path.slice(1).replace(/\/$/, '')
  if (!isToken(token)) return unknown()
  if (reads(method)) return list(await book.read(ctx, token))
  if (method === 'DELETE') {
    if (!secret) return sentence(403, 'only a server with a shared secret lets tokens be deleted')
    return (await book.remove(ctx, token)) ? text('') : unknown()
  }
  // The document of the original says "post", and its program took PUT.
  if (method !== 'PUT' && method !== 'POST') return notAllowed('GET, PUT, DELETE')
  const body = await asked.body(MAX_BODY)
  if (body === undefined) return sentence(413, `the body is larger than ${MAX_BODY >> 10} KB`)
  const servers = parsePublication(body)
  requests.charge(peer, servers.length)
  return (await book.publish(ctx, token, servers)) ? text('') : unknown()
}

function reads(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function list(servers: readonly string[] | undefined): Answer {
  return servers ? { status: 200, type: 'application/json', text: JSON.stringify(servers) } : unknown()
}

function text(text: string): Answer {
  return { status: 200, type: 'text/plain; charset=utf-8', text }
}

function unknown(): Answer {
  return sentence(404, 'there is no such token')
}

function tooMany(what: string, waitS: number): Answer {
  return { ...sentence(429, what), headers: { 'retry-after': String(waitS) } }
}

function notAllowed(allow: string): Answer {
  return { ...sentence(405, `only ${allow} make sense here`), headers: { allow } }
}

/** What went wrong, in one sentence. */
function sentence(status: number, what: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', text: `${what}\n` }
}
