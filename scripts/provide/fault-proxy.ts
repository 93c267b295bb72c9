import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from './ports.ts'
import { type Answer, CUT, CUT_AFTER_MS, LATE_MS, REFUSALS, send, spoil, type Trouble } from './trouble.ts'

/** Stands between a runner and its agent, and makes trouble when told to. */
export class FaultProxy implements AsyncDisposable {
  /** Where runners find it, for CONSUL_HTTP_ADDR. */
  readonly address: string
  readonly #agent: string
  readonly #server = createServer((incoming, response) => this.#serve(incoming, response))
  readonly #host: string
  readonly #port: number
  #trouble: Trouble | undefined
  #over = Promise.withResolvers<void>()
  #closed = false

  private constructor(agent: string, host: string, port: number) {
    this.#agent = agent
    this.#host = host
    this.#port = port
    this.address = `http://${host}:${port}`
    // A runner that sent half a request is none of our business.
    this.#server.on('clientError', (_, socket) => socket.destroy())
  }

  /** Starts a proxy on a free port of `host`, in front of the agent at an `http://…` address. */
  static async start(agent: string, host = '127.0.0.1'): Promise<FaultProxy> {
    // Below the range of outgoing connections: the port must be ours again after a refusal.
    const { http: port } = await freePorts({}, host)
    const proxy = new FaultProxy(agent, host, port)
    await proxy.#listen()
    return proxy
  }

  /** From now on all goes wrong in this way: new requests, and answers that are under way. */
  begin(trouble: Trouble): void {
    this.#trouble = trouble
    if (trouble === 'refused') this.#server.close()
    if (trouble === 'refused' || trouble === 'cut') this.#server.closeAllConnections()
  }

  /** The trouble is over. */
  async end(): Promise<void> {
    this.#trouble = undefined
    this.#over.resolve()
    this.#over = Promise.withResolvers()
    if (!this.#server.listening && !this.#closed) await this.#listen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.begin('refused')
  }

  async #listen(): Promise<void> {
    await once(this.#server.listen(this.#port, this.#host), 'listening')
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#through(response)
    const refusal = this.#trouble && REFUSALS[this.#trouble]
    if (refusal) {
      incoming.resume()
      send(response, refusal)
    } else {
      this.#pass(incoming, response)
    }
  }

  /**
   * Nothing comes through a black hole; what was sent meanwhile and is still wanted arrives afterwards, as with TCP.
   */
  async #through(response: ServerResponse): Promise<void> {
    while (this.#trouble === 'black-hole' && !response.destroyed) await this.#over.promise
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = incoming
    const options = { method, headers: { ...headers, connection: 'close' } }
    const outgoing = forward(`${this.#agent}${url}`, options, (answer) => {
      read(answer)
        .then((whole) => this.#answer(response, whole))
        .catch(() => response.destroy())
    })
    outgoing.on('error', () => response.destroy())
    if (this.#trouble === '504-after-5s') this.#cut(response)
    incoming.on('error', () => outgoing.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }

  #cut(response: ServerResponse): void {
    const timer = setTimeout(() => send(response, CUT), CUT_AFTER_MS)
    response.on('close', () => clearTimeout(timer))
  }

  async #answer(response: ServerResponse, answer: Answer): Promise<void> {
    await this.#through(response)
    const trouble = this.#trouble
    const lateMs = trouble && LATE_MS[trouble]
    if (lateMs !== undefined) await Promise.race([delay(lateMs), this.#over.promise])
    if (response.writableEnded || response.destroyed) return
    if (trouble === undefined || lateMs !== undefined || trouble === '504-after-5s') send(response, answer)
    else await spoil(trouble, response, answer, () => this.#trouble !== trouble)
  }
}

async function read(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
  return { status: message.statusCode ?? 502, headers, body: Buffer.concat(chunks) }
}
