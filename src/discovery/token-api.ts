import type { Context } from '../base/context.ts'
import { Failure, type FailureCode, messageOf } from '../base/failure.ts'
import type { ListenerRequest, ListenerResponse } from '../listen/answer-request.ts'
import type { RateLimit } from '../listen/rate-limit.ts'
import { parsePublication } from './token-list.ts'
import { isToken, type TokenStore } from './token-store.ts'

/** Who may ask for what. */
export interface TokenAccess {
  /** Asked of every request but `GET /`. */
  readonly secret: { readonly fits: (authorization: string | undefined) => boolean } | undefined
  /** Of requests; each server in a publication is one more. */
  readonly requests: RateLimit
  /** Of new tokens. */
  readonly creations: RateLimit
}

/** What was asked for can't be, and asking again doesn't help. */
const DENIALS: readonly FailureCode[] = ['precondition', 'conflict', 'malformed']

const HELP = 'GET /new to get a new discovery token'
/** More than MAX_SERVERS of the longest addresses take. */
const MAX_BODY = 4096

/** Answers one request; never rejects but with the signal's reason, or for a bug. */
export async function answerTokenRequest(
  ctx: Context,
  store: TokenStore,
  access: TokenAccess,
  request: ListenerRequest,
): Promise<ListenerResponse> {
  try {
    return await route(ctx, store, access, request)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    if (thrown.code === 'usage')
      return sentence(400, thrown.hint ? `${thrown.message}, ${thrown.hint}` : thrown.message)
    if (DENIALS.includes(thrown.code)) return sentence(409, thrown.message)
    ctx.log.warn(`a request failed: ${messageOf(thrown)}`)
    return sentence(503, 'Consul does not answer, try again later')
  }
}

async function route(
  ctx: Context,
  store: TokenStore,
  access: TokenAccess,
  request: ListenerRequest,
): Promise<ListenerResponse> {
  const { method, path, peer } = request
  const { secret, requests, creations } = access
  if (!requests.allows(peer)) return tooMany('too many requests', 1)
  if (path === '/') return reads(method) ? text(HELP) : notAllowed('GET')
  if (secret && !secret.fits(request.headers.authorization)) {
    return { ...sentence(401, 'the shared secret is missing or wrong'), headers: { 'www-authenticate': 'Bearer' } }
  }
  if (path === '/new') {
    if (method !== 'GET') return notAllowed('GET')
    if (!creations.allows(peer)) return tooMany('too many new tokens', 60)
    return text(await store.create(ctx))
  }
  const token = path.slice(1).replace(/\/$/, '')
  if (!isToken(token)) return unknown()
  if (reads(method)) return list(await store.read(ctx, token))
  if (method === 'DELETE') {
    if (!secret) return sentence(403, 'only a server with a shared secret lets tokens be deleted')
    return (await store.remove(ctx, token)) ? text('') : unknown()
  }
  // The document of the original says "post", and its program took PUT.
  if (method !== 'PUT' && method !== 'POST') return notAllowed('GET, PUT, DELETE')
  const body = await request.body(MAX_BODY)
  if (body === undefined) return sentence(413, `the body is larger than ${MAX_BODY >> 10} KB`)
  const servers = parsePublication(body)
  requests.charge(peer, servers.length)
  return (await store.publish(ctx, token, servers)) ? text('') : unknown()
}

function reads(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function list(servers: readonly string[] | undefined): ListenerResponse {
  return servers ? { status: 200, type: 'application/json', text: JSON.stringify(servers) } : unknown()
}

function text(text: string): ListenerResponse {
  return { status: 200, type: 'text/plain; charset=utf-8', text }
}

function unknown(): ListenerResponse {
  return sentence(404, 'there is no such token')
}

function tooMany(what: string, waitS: number): ListenerResponse {
  return { ...sentence(429, what), headers: { 'retry-after': String(waitS) } }
}

function notAllowed(allow: string): ListenerResponse {
  return { ...sentence(405, `only ${allow} make sense here`), headers: { allow } }
}

/** What went wrong, in one sentence. */
function sentence(status: number, what: string): ListenerResponse {
  return { status, type: 'text/plain; charset=utf-8', text: `${what}\n` }
}
