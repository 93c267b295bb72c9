import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import { type HostPort, hostPortText } from '../base/host-port.ts'
import { type Answer, answerRequest } from './answer-request.ts'
import { ConnectionLimiter, type ConnectionLimits } from './connection-limiter.ts'
import { peerOf } from './peer.ts'

/** An HTTP server that strangers may reach. */
export interface Listener {
  /** Where it listens, as it turned out. */
  readonly address: string
  /** Lets what is being answered come to its end, for `ms` milliseconds. */
  close(ms: number): Promise<void>
}

const LIMITS: ConnectionLimits = { all: 512, perPeer: 128 }
const MAX_HEADER_BYTES = 8192
const PIECE_BYTES = 1024
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
export async function openListener(ctx: Context, where: HostPort, answer: Answer, limits = LIMITS): Promise<Listener> {
  const { createServer } = process.getBuiltinModule('node:http')
  const limiter = new ConnectionLimiter<Socket>(limits)
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
    (incoming, response) => void answerRequest(ctx, limiter, answer, incoming, response),
  )
  server.timeout = STILL_MS
  const warn = warning(ctx)
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket.remoteAddress ?? '')
    const leaver = limiter.admit(socket, peer)
    leaver?.destroy()
    if (leaver) warn(peer)
    socket.once('close', () => limiter.leave(socket))
    readInPieces(socket)
  })
  await listening(server, where)
  const { address: host, port } = server.address() as AddressInfo
  return { address: hostPortText({ host, port }), close: (ms) => close(ctx, server, ms) }
}

/**
 * Has the parser read a little at a time. It doesn't stop for a connection that was destroyed, and a stranger's
 * thousand requests in what arrived at once would be read for as long as it takes.
 */
function readInPieces(socket: Socket): void {
  const parsers = socket.listeners('data')
  socket.removeAllListeners('data')
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length && !socket.destroyed; at += PIECE_BYTES) {
      if (socket.isPaused()) {
        socket.unshift(chunk.slice(at))
        return
      }
      for (const parse of parsers) parse(chunk.slice(at, at + PIECE_BYTES))
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
