import { unlessAborted } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { type Connect, HttpConnection, type HttpEndpoint, overTls, plainly } from './http-connection.ts'
import { connectionFailure } from './reply-failure.ts'
import { ReplyReader } from './reply-reader.ts'
import type { ConsulSettings } from './settings.ts'
import type { Transport, WireReply, WireRequest } from './wire.ts'

/** Opens a transport over HTTP or HTTPS, TCP or a Unix socket. Nothing is connected before the first request. */
export async function openTransport(settings: ConsulSettings): Promise<Transport> {
  const { secure, socketPath, origin } = settings.address
  const { hostname, port } = new URL(origin)
  const endpoint: HttpEndpoint =
    socketPath === undefined
      ? { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (secure ? 443 : 80)) }
      : { path: socketPath }
  const connect = secure
    ? await overTls(endpoint, await (await import('./tls.ts')).tlsOptions(settings.tls))
    : plainly(endpoint)
  return new HttpTransport(settings, connect)
}

/** Load balancers close what is idle for longer. */
const IDLE_MS = 30_000

/** A connection that no request has just now, and until when one may have it. */
interface Idle {
  readonly connection: HttpConnection
  readonly untilMs: number
}

class HttpTransport implements Transport {
  readonly #settings: ConsulSettings
  readonly #connect: Connect
  readonly #headers: Readonly<Record<string, string>>
  readonly #connections = new Set<HttpConnection>()
  /** The one that was used last is the last. */
  readonly #idle: { readonly short: Idle[]; readonly long: Idle[] } = { short: [], long: [] }

  constructor(settings: ConsulSettings, connect: Connect) {
    const { address, basicAuth } = settings
    this.#settings = settings
    this.#connect = connect
    this.#headers = {
      host: new URL(address.origin).host,
      connection: 'keep-alive',
      ...(basicAuth !== undefined && { authorization: `Basic ${Buffer.from(basicAuth).toString('base64')}` }),
    }
  }

  async send(request: WireRequest, signal: AbortSignal): Promise<WireReply> {
    signal.throwIfAborted()
    // While a request lasts it has a connection to itself: none waits behind another, or goes down with it. A long poll
    // leaves alone the connections of short requests, so that a release finds one that is open.
    const idle = this.#idle[request.longPoll ? 'long' : 'short']
    const connection = this.#take(idle)
    const { address } = this.#settings
    try {
      const { method, path, body = '', token, receive } = request
      const headers = token === undefined ? this.#headers : { ...this.#headers, 'x-consul-token': token }
      const reader = new ReplyReader(address.text, receive)
      const question = { method, path: address.pathPrefix + path, headers, body }
      const reply = await unlessAborted(signal, connection.ask(question, reader))
      idle.push({ connection, untilMs: nowMs() + Math.min(IDLE_MS, reader.keptMs) })
      return reply
    } catch (thrown) {
      this.#discard(connection)
      if (signal.aborted) throw signal.reason
      // What broke this connection may have broken the others.
      this.#closeIdle()
      throw connectionFailure(this.#settings, thrown)
    }
  }

  /** One that is open, or a new one. */
  #take(idle: Idle[]): HttpConnection {
    const now = nowMs()
    const isStale = ({ connection, untilMs }: Idle) => connection.isOver || untilMs < now
    for (const { connection } of idle.splice(0, idle.findLastIndex(isStale) + 1)) this.#discard(connection)
    const known = idle.pop()?.connection
    if (known) return known
    const connection = new HttpConnection(this.#connect)
    this.#connections.add(connection)
    return connection
  }

  #closeIdle(): void {
    const { short, long } = this.#idle
    for (const { connection } of [...short.splice(0), ...long.splice(0)]) this.#discard(connection)
  }

  #discard(connection: HttpConnection): void {
    this.#connections.delete(connection)
    connection.close()
  }

  close(): void {
    this.#closeIdle()
    for (const connection of this.#connections) this.#discard(connection)
  }
}

function nowMs(): number {
  return systemClock.now().monotonicMs
}
