import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type RequestOptions,
} from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { unlessAborted } from '../base/abort.ts'
import { Failure } from '../base/failure.ts'
import type { ConsulSettings } from './consul-settings.ts'
import { connectionFailure, MAX_REPLY_BYTES, tooLarge } from './reply-failure.ts'
import type { Transport, WireReply, WireRequest } from './wire.ts'

/** A connection that no request uses is closed after this time. */
const IDLE_MS = 30_000

type Send = (options: RequestOptions) => ClientRequest

/**
 * The same as `openTransport`, by Node's own client: undici, which isn't as large and as slow, runs on few versions of
 * Node, and a library doesn't choose the one that it runs on.
 */
export async function openNodeTransport(settings: ConsulSettings): Promise<Transport> {
  const pool = { keepAlive: true, timeout: IDLE_MS }
  if (!settings.address.secure) return new NodeTransport(settings, plainRequest, () => new PlainAgent(pool))
  const [{ Agent: TlsAgent, request }, { tlsOptions }] = await Promise.all([import('node:https'), import('./tls.ts')])
  const tls = await tlsOptions(settings.tls)
  return new NodeTransport(settings, request, () => new TlsAgent({ ...pool, ...tls }))
}

class NodeTransport implements Transport {
  readonly #settings: ConsulSettings
  readonly #send: Send
  /** A long poll leaves alone the connections of short requests, so that a release finds one that is open. */
  readonly #pools: { readonly short: Agent; readonly long: Agent }
  readonly #where: RequestOptions
  #isClosed = false

  constructor(settings: ConsulSettings, send: Send, pool: () => Agent) {
    const { address, basicAuth } = settings
    this.#settings = settings
    this.#send = send
    this.#pools = { short: pool(), long: pool() }
    this.#where = {
      ...urlToHttpOptions(new URL(address.origin)),
      ...(address.socketPath === undefined ? {} : { socketPath: address.socketPath }),
      ...(basicAuth === undefined ? {} : { auth: basicAuth }),
    }
  }

  async send({ method, path, body, token, longPoll }: WireRequest, signal: AbortSignal): Promise<WireReply> {
    signal.throwIfAborted()
    if (this.#isClosed) throw closed()
    const outgoing = this.#send({
      ...this.#where,
      agent: this.#pools[longPoll ? 'long' : 'short'],
      method,
      path: this.#settings.address.pathPrefix + path,
      headers: token === undefined ? {} : { 'x-consul-token': token },
    })
    try {
      return await unlessAborted(signal, this.#exchange(outgoing, body))
    } catch (thrown) {
      outgoing.destroy()
      if (signal.aborted) throw signal.reason
      if (this.#isClosed) throw closed()
      // What broke this connection may have broken the others.
      this.#closeIdle()
      throw connectionFailure(this.#settings, thrown)
    }
  }

  async #exchange(outgoing: ClientRequest, body: string | undefined): Promise<WireReply> {
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      // Stays for good: what breaks after the answer must not be an unheard error.
      outgoing.on('error', reject)
      outgoing.once('response', resolve)
    })
    outgoing.end(body)
    const answer = await answered
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_REPLY_BYTES) throw tooLarge(this.#settings.address.text)
      chunks.push(chunk)
    }
    const { statusCode: status = 0, headers } = answer
    return { status, headers, text: Buffer.concat(chunks).toString('utf8') }
  }

  #closeIdle(): void {
    for (const { freeSockets } of Object.values(this.#pools)) {
      for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    }
  }

  close(): void {
    // Node's pools open connections again for a request that comes after that.
    this.#isClosed = true
    for (const pool of Object.values(this.#pools)) pool.destroy()
  }
}

function closed(): Failure {
  return new Failure('usage', 'the connection with Consul was closed', {
    hint: 'close it when all that uses it has ended, or connect anew',
  })
}
