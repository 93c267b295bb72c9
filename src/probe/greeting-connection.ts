import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import type { Endpoint } from './port-probe.ts'

/** No greeting is longer. */
const MOST_BYTES = 64 * 1024

/** A connection on which both sides speak in turn. */
export class GreetingConnection implements Disposable {
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  #received: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // Whoever listens hears of it.
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  /** Rejects with the connection's error. */
  static async open(ctx: Context, at: Endpoint): Promise<GreetingConnection> {
    const socket = connect({ ...at, signal: ctx.signal })
    await once(socket, 'connect')
    return new GreetingConnection(socket)
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The next so many bytes. Rejects when there are none to come. */
  async receive(count: number): Promise<Buffer> {
    if (count > MOST_BYTES) throw new Error('it speaks another protocol')
    while (this.#received.length < count) {
      const { value, done } = await this.#chunks.next()
      if (done) throw new Error(this.#received.length === 0 ? 'it hangs up' : 'it speaks another protocol')
      this.#received = Buffer.concat([this.#received, value])
    }
    const next = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return next
  }

  [Symbol.dispose](): void {
    this.#socket.destroySoon()
  }
}
