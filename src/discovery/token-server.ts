import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { scope, sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { hostPortText } from '../base/host-port.ts'
import type { RateLimit } from './rate-limit.ts'
import { answer, EarlyAnswer, sentence, type TokenAnswer, type TokenRequest } from './token-answers.ts'
import type { TokenBook } from './token-book.ts'

/** How tokens are served. */
export interface TokenServerOptions {
  readonly host: string
  readonly port: number
  /** Asked of every request but `GET /`. */
  readonly secret: string | undefined
  readonly limit: RateLimit
  /** How often what has expired is looked for, in milliseconds. */
  readonly tidyMs: number
}

const MAX_BODY = 64 * 1024
const REQUEST_MS = 10_000
const MAX_CONNECTIONS = 1000
const CLOSING_MS = 3000
/** Twenty attempts at a change, and what each may take. */
const ANSWER_MS = 30_000

/**
 * Serves tokens until the context's signal aborts, and then rejects with its reason. Calls `onListening` with the
 * address. Rejects with a `usage` failure when it can't listen there.
 */
export async function serveTokens(
  ctx: Context,
  book: TokenBook,
  options: TokenServerOptions,
  onListening: (address: string) => Promise<void>,
): Promise<never> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
    (request, response) => void respond(ctx, book, options, request, response),
  )
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, options)
  try {
    const { address: host, port } = server.address() as AddressInfo
    await onListening(`http://${hostPortText({ host, port })}`)
    for (;;) {
      await tidy(ctx, book)
      await sleep(ctx, options.tidyMs)
    }
  } finally {
    await close(ctx, server)
  }
}

function listen(server: Server, { host, port }: TokenServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (thrown) => {
      reject(new Failure('usage', `can't listen at ${host}:${port}: ${messageOf(thrown)}`, { hint: 'see --listen' }))
    })
    server.listen(port, host)
  })
}

async function tidy(ctx: Context, book: TokenBook): Promise<void> {
  try {
    await book.tidy(ctx)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`what has expired could not be looked for: ${thrown.message}`)
  }
}

/** Lets requests end that are being answered, for a moment. */
async function close(ctx: Context, server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const cancel = ctx.clock.after(CLOSING_MS, () => server.closeAllConnections())
  await closed
  cancel()
}

async function respond(
  ctx: Context,
  book: TokenBook,
  { secret, limit }: TokenServerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Not the server's own signal: what was begun is brought to its end.
  using bounded = scope(new AbortController().signal)
  const cancel = ctx.clock.after(ANSWER_MS, () => bounded.abort(new Error(`no answer within ${ANSWER_MS} ms`)))
  const request: TokenRequest = {
    method: incoming.method ?? '',
    path: (incoming.url ?? '').split('?', 1)[0] ?? '',
    trusted: secret === undefined || isSecret(secret, incoming.headers.authorization),
    client: incoming.socket.remoteAddress ?? '',
    body: () => readBody(incoming),
  }
  try {
    send(response, await answer({ ...ctx, signal: bounded.signal }, book, limit, request), !incoming.complete)
  } catch (thrown) {
    if (incoming.destroyed && !incoming.complete) return
    ctx.log.error(`a request could not be answered: ${messageOf(thrown)}`)
    send(response, sentence(500, 'something went wrong here'), true)
  } finally {
    cancel()
  }
}

/** A body that wasn't read to its end would be taken for the next request. */
function send(response: ServerResponse, { status, type, text, headers }: TokenAnswer, isLast: boolean): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...headers,
    ...(isLast ? { connection: 'close' } : {}),
  })
  response.end(text)
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const tooLarge = new EarlyAnswer(sentence(413, `the body is larger than ${MAX_BODY >> 10} KB`))
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY) chunks.push(chunk)
      else reject(tooLarge)
    })
    incoming.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    incoming.once('error', reject)
    incoming.once('close', () => reject(new Error('the client has gone')))
  })
}

/** Takes the same time for any wrong secret. */
function isSecret(secret: string, authorization: string | undefined): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${secret}`))
}
