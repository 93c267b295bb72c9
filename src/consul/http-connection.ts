import { connect as connectPlain, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ReplyReader } from './reply-reader.ts'
import type { WireReply } from './wire.ts'

/** Opens a socket that leads to the server, and calls `opened` when it may be written to. */
export type Connect = (onread: OnRead, opened: () => void) => Socket

/** What comes in is read into one buffer, and not made a stream of. */
type OnRead = NonNullable<TcpNetConnectOpts['onread']>

/** What is asked over a connection. */
export interface HttpQuestion {
  readonly method: string
  /** Path and query, encoded. */
  readonly path: string
  /** Nothing that would end a header may stand in them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const READ_BYTES = 16 * 1024

/** How long the kernel waits on a silent connection before it asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000

/**
 * One connection to a server of HTTP/1.1, which is asked one thing at a time. A general client's streams and queues take
 * longer than Consul takes to answer.
 */
export class HttpConnection {
  readonly #socket: Socket
  #reader: ReplyReader | undefined
  #answering: PromiseWithResolvers<WireReply> | undefined
  #isOpen = false
  #isOver = false
  /** Asked before the connection was open. What is written before a handshake would hide why that fails. */
  #unsent: string | undefined

  constructor(connect: Connect) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const callback = (size: number) => this.#read(buffer.subarray(0, size))
    this.#socket = connect({ buffer, callback }, () => this.#open())
    this.#socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
    this.#socket.on('error', (error) => this.#break(error))
    this.#socket.on('end', () => this.#end())
    this.#socket.on('close', () => this.#break(closed()))
  }

  /** Whether nothing more can be asked. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Settles with the whole reply. Rejects with a `Failure`, with what `reader` throws, or with the socket's error. */
  ask({ method, path, headers, body }: HttpQuestion, reader: ReplyReader): Promise<WireReply> {
    this.#socket.ref()
    this.#reader = reader
    this.#answering = Promise.withResolvers()
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const length = method === 'GET' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
    const text = `${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n${body}`
    if (this.#isOpen) this.#socket.write(text)
    else this.#unsent = text
    return this.#answering.promise
  }

  close(): void {
    this.#break(closed())
  }

  #open(): void {
    this.#isOpen = true
    if (this.#unsent !== undefined) this.#socket.write(this.#unsent)
    this.#unsent = undefined
  }

  /** What the callback returns says that more may come. */
  #read(piece: Buffer): true {
    try {
      // Nobody has asked: the server says that it is tired of waiting.
      if (!this.#reader) this.#break(closed())
      else if (this.#reader.read(piece)) this.#answer(this.#reader)
    } catch (thrown) {
      this.#break(thrown)
    }
    return true
  }

  #end(): void {
    if (this.#reader?.isWholeAtEnd) this.#answer(this.#reader)
    this.#break(closed())
  }

  #answer(reader: ReplyReader): void {
    const answering = this.#answering
    this.#reader = undefined
    this.#answering = undefined
    // Nobody waits for an idle connection.
    this.#socket.unref()
    if (!reader.keepsOpen) this.#break(closed())
    answering?.resolve(reader.reply)
  }

  #break(thrown: unknown): void {
    this.#isOver = true
    this.#socket.destroy()
    this.#answering?.reject(thrown)
    this.#answering = undefined
  }
}

/** Where a server listens: at a path, or at a host and a port. */
export type HttpEndpoint = { readonly path: string } | { readonly host: string; readonly port: number }

/** Connects without TLS. */
export function plainly(endpoint: HttpEndpoint): Connect {
  return (onread, opened) => connectPlain({ ...endpoint, onread }, opened)
}

/** Connects with TLS; all but the first take up the first one's session, which spares them most of the handshake. */
export async function overTls(endpoint: HttpEndpoint, options: ConnectionOptions): Promise<Connect> {
  const { connect } = await import('node:tls')
  // A name for SNI must not be an address.
  const servername = 'host' in endpoint && isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}
  const http = { ALPNProtocols: ['http/1.1'] }
  let session: Buffer | undefined
  return (onread, opened) => {
    const known = session === undefined ? {} : { session }
    const all = { ...endpoint, ...servername, ...options, ...known, ...http, onread }
    return connect(all, opened).on('session', (fresh) => {
      session = fresh
    })
  }
}

function closed(): Error {
  return Object.assign(new Error('other side closed'), { code: 'ECONNRESET' })
}
