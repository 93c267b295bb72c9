import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import { type HostPort, hostPortText } from '../base/host-port.ts'
import { Crowd, type CrowdLimits } from './crowd.ts'
import { peerOf } from './peer.ts'

/** A request as it came. Nothing of its body has been read. */
export interface Asked {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Who asks: see `peerOf`. */
  readonly peer: string
  readonly authorization: string | undefined
  /** Reads the body as far as `maxBytes`; `undefined` when there is more. Rejects when the other side goes away. */
  readonly body: (maxBytes: number) => Promise<string | undefined>
}

/** What is answered. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An HTTP server that strangers may reach. */
export interface Listener {
  /** Where it listens, as it turned out. */
  readonly address: string
  /** Lets what is being answered come to its end, for `ms` milliseconds. */
  close(ms: number): Promise<void>
}

const LIMITS: CrowdLimits = { all: 512, perPeer: 128 }
const MAX_HEADER_BYTES = 8192
const SPOONFUL_BYTES = 1024
/** From the first byte of a request to its last. */
const REQUEST_MS = 5000
const CHECK_MS = 1000
/** Nothing comes or goes: longer than any answer takes. */
const STILL_MS = 60_000
const WARN_AGAIN_MS = 60_000

/**
 * Answers requests at an address until it is closed. What somebody sends, how slowly, and over how many connections, is
 * no trouble for the others, nor how slowly they read. Rejects with what Node has against the address.
 */
export async function openListener(
  ctx: Context,
  where: HostPort,
  answer: (asked: Asked) => Promise<Answer>,
  limits = LIMITS,
): Promise<Listener> {
  const { createServer } = process.getBuiltinModule('node:http')
  const crowd = new Crowd<Socket>(limits)
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
    (incoming, response) => void respond(ctx, crowd, answer, incoming, response),
  )
  server.timeout = STILL_MS
  const warn = warning(ctx)
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket.remoteAddress ?? '')
    const leaver = crowd.admit(socket, peer)
    leaver?.destroy()
    if (leaver) warn(peer)
    socket.once('close', () => crowd.leave(socket))
    readBySpoonfuls(socket)
  })
  await listening(server, where)
  const { address: host, port } = server.address() as AddressInfo
  return { address: hostPortText({ host, port }), close: (ms) => close(ctx, server, ms) }
}

/**
 * Has the parser read a little at a time. It doesn't stop for a connection that was destroyed, and a stranger's thousand
 * requests in what arrived at once would be read for as long as it takes.
 */
function readBySpoonfuls(socket: Socket): void {
  const parsers = socket.listeners('data')
  socket.removeAllListeners('data')
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length && !socket.destroyed; at += SPOONFUL_BYTES) {
      if (socket.isPaused()) {
        socket.unshift(chunk.slice(at))
        return
      }
      for (const parse of parsers) parse(chunk.slice(at, at + SPOONFUL_BYTES))
    }
  })
}

function listening(server: Server, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

async function close(ctx: Context, server: Server, ms: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const cancel = ctx.clock.after(ms, () => server.closeAllConnections())
  await closed
  cancel()
}

/** Tells of too many connections, once in a while. */
function warning(ctx: Context): (peer: string) => void {
  let told = false
  return (peer) => {
    if (told) return
    told = true
    ctx.clock.after(WARN_AGAIN_MS, () => {
      told = false
    })
    ctx.log.warn(`too many connections, the last one from ${peer}: those that are idle the longest are closed`)
  }
}

async function respond(
  ctx: Context,
  crowd: Crowd<Socket>,
  answer: (asked: Asked) => Promise<Answer>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { socket } = incoming
  incoming.on('error', () => {})
  response.on('error', () => {})
  if (socket.destroyed) return
  if (crowd.isAtWork(socket)) {
    // To ask on before the answer costs a stranger nothing, and us time and memory for all of these requests.
    socket.destroy()
    return
  }
  crowd.begin(socket)
  const asked: Asked = {
    method: incoming.method ?? '',
    path: (incoming.url ?? '').split('?', 1)[0] ?? '',
    peer: peerOf(socket.remoteAddress ?? ''),
    authorization: incoming.headers.authorization,
    body: async (maxBytes) => {
      // Whoever sends half a body is idle.
      crowd.end(socket)
      try {
        return await readBody(incoming, maxBytes)
      } finally {
        crowd.begin(socket)
      }
    },
  }
  try {
    send(incoming, response, await answer(asked))
  } catch (thrown) {
    if (socket.destroyed) return
    ctx.log.error(`a request could not be answered: ${messageOf(thrown)}`)
    send(incoming, response, { status: 500, type: 'text/plain; charset=utf-8', text: 'something went wrong here\n' })
  } finally {
    // Whether it is read is the other side's business.
    crowd.end(socket)
  }
}

function send(incoming: IncomingMessage, response: ServerResponse, { status, type, text, headers }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...headers,
    // A body that wasn't read to its end would be taken for the next request.
    ...(hasBody(incoming) && !incoming.complete ? { connection: 'close' } : {}),
  })
  response.end(text)
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
