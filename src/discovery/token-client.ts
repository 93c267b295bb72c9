import { AbortReason, withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { askHttp, type HttpAnswer } from '../probe/http-client.ts'
import { connectFailure } from '../probe/probe-result.ts'
import { parseServer } from './token-list.ts'

const TIMEOUT_MS = 10_000
const LATE = new AbortReason(`no answer within ${TIMEOUT_MS / 1000}s`)
const MAX_BYTES = 1024 * 1024

/** One who asks a server of discovery tokens. All its calls reject with a `Failure`, or with the signal's reason. */
export class TokenClient {
  readonly #url: URL
  readonly #secret: string | undefined

  constructor(url: URL, secret: string | undefined) {
    this.#url = url
    this.#secret = secret
  }

  /** Gets a new token. */
  async create(ctx: Context): Promise<string> {
    const { status, text } = await this.#ask(ctx, 'GET', 'new')
    const token = text.trim()
    if (status === 200 && /^[0-9a-f]{32}$/.test(token)) return token
    throw this.#strange(status, text)
  }

  /** Adds servers to those of a token, or prolongs their time. */
  async publish(ctx: Context, token: string, servers: readonly string[]): Promise<void> {
    const { status, text } = await this.#ask(ctx, 'PUT', token, JSON.stringify(servers))
    if (status === 404) throw unknown(token)
    if (status !== 200) throw this.#strange(status, text)
  }

  /** The servers of a token; what is none is left out. */
  async lookup(ctx: Context, token: string): Promise<string[]> {
    const { status, text } = await this.#ask(ctx, 'GET', token)
    if (status === 404) throw unknown(token)
    if (status !== 200) throw this.#strange(status, text)
    const servers = parse(text)
    if (!Array.isArray(servers) || !servers.every((server) => typeof server === 'string')) {
      throw this.#strange(status, text)
    }
    return servers.filter(parseServer)
  }

  /** Has a token forgotten, with all that is published under it. */
  async remove(ctx: Context, token: string): Promise<void> {
    const { status, text } = await this.#ask(ctx, 'DELETE', token)
    if (status === 404) throw unknown(token)
    if (status !== 200) throw this.#strange(status, text)
  }

  async #ask(ctx: Context, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string): Promise<HttpAnswer> {
    const url = new URL(this.#url)
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`
    const headers = this.#secret === undefined ? {} : { authorization: `Bearer ${this.#secret}` }
    try {
      const request = { method, url, headers, ...(body === undefined ? {} : { body }), maxBytes: MAX_BYTES }
      const answer = await withTimeout(
        ctx,
        TIMEOUT_MS,
        () => LATE,
        (ctx) => askHttp(ctx, request),
      )
      if (answer.isCut) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`)
      return answer
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      throw new Failure('unreachable', `the discovery server at ${this.#url.origin} fails: ${connectFailure(thrown)}`, {
        hint: 'is --url right, and does consul-locker discovery serve run there?',
        cause: thrown,
      })
    }
  }

  #strange(status: number, text: string): Failure {
    const said = text.trim().split('\n', 1)[0]?.slice(0, 200)
    const sentence = `the discovery server at ${this.#url.origin} answers ${status}${said ? `: ${said}` : ''}`
    if (status === 401) return new Failure('refused', sentence, { hint: 'give --secret-file' })
    if (status === 429 || status >= 500) return new Failure('unavailable', sentence)
    return new Failure('rejected', sentence, { hint: 'is --url right, and is that consul-locker discovery serve?' })
  }
}

function unknown(token: string): Failure {
  return new Failure('precondition', `there is no token ${token}`, {
    hint: 'consul-locker discovery new makes one',
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
