import { buildConnector, Client } from 'undici'
import type { ConsulSettings } from './consul-settings.ts'
import { exchange } from './exchange.ts'
import { connectionFailure } from './reply-failure.ts'
import type { Transport, WireReply, WireRequest } from './wire.ts'

/** Opens a transport over HTTP or HTTPS, TCP or a Unix socket. Nothing is connected before the first request. */
export async function openTransport(settings: ConsulSettings): Promise<Transport> {
  const { address } = settings
  const connector = buildConnector({
    allowH2: false,
    timeout: 0,
    ...(address.socketPath === undefined ? {} : { socketPath: address.socketPath }),
    ...(address.secure ? await (await import('./tls.ts')).tlsOptions(settings.tls) : {}),
  })
  return new HttpTransport(settings, connector)
}

// Every request has a deadline of its own; undici's would cut long polls and add timers.
const NO_TIMEOUTS = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 }

class HttpTransport implements Transport {
  readonly #settings: ConsulSettings
  readonly #connector: buildConnector.connector
  readonly #headers: Readonly<Record<string, string>>
  /** What the connection of a client broke of. */
  readonly #breaks = new WeakMap<Client, unknown>()
  /** Each has one connection. */
  readonly #clients = new Set<Client>()
  /** Those that no request has just now. */
  readonly #idle: { readonly short: Client[]; readonly long: Client[] } = { short: [], long: [] }

  constructor(settings: ConsulSettings, connector: buildConnector.connector) {
    this.#settings = settings
    this.#connector = connector
    this.#headers =
      settings.basicAuth === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(settings.basicAuth).toString('base64')}` }
  }

  async send(request: WireRequest, signal: AbortSignal): Promise<WireReply> {
    signal.throwIfAborted()
    // While a request lasts it has a client to itself: none waits behind another, or goes down with it. A long poll
    // leaves alone the connections of short requests, so that a release finds one that is open.
    const idle = this.#idle[request.longPoll ? 'long' : 'short']
    const client = idle.pop() ?? this.#open()
    const { address } = this.#settings
    try {
      const { method, path, body = null, token } = request
      const headers = token === undefined ? this.#headers : { ...this.#headers, 'x-consul-token': token }
      const question = { method, path: address.pathPrefix + path, headers, body }
      const reply = await exchange(client, question, address.text, signal, request.receive)
      idle.push(client)
      return reply
    } catch (thrown) {
      this.#discard(client)
      if (signal.aborted) throw signal.reason
      // What broke this connection may have broken the others.
      this.#closeIdle()
      throw connectionFailure(this.#settings, this.#cause(client, thrown))
    }
  }

  #closeIdle(): void {
    const { short, long } = this.#idle
    for (const client of [...short.splice(0), ...long.splice(0)]) this.#discard(client)
  }

  #discard(client: Client): void {
    this.#clients.delete(client)
    client.destroy().catch(() => {})
  }

  #open(): Client {
    const connect: buildConnector.connector = (options, callback) =>
      this.#connector(options, (...[error, socket]) => {
        socket?.once('error', (error) => this.#breaks.set(client, error))
        if (error) callback(error, null)
        else callback(null, socket)
      })
    const client = new Client(this.#settings.address.origin, { connect, ...NO_TIMEOUTS })
    this.#clients.add(client)
    return client
  }

  /** When TLS says why the other side closes, undici hides it behind the mere fact that it did. */
  #cause(client: Client, thrown: unknown): unknown {
    const { code } = thrown as { code?: unknown }
    return (code === 'UND_ERR_SOCKET' && this.#breaks.get(client)) || thrown
  }

  close(): void {
    this.#closeIdle()
    for (const client of this.#clients) this.#discard(client)
  }
}
