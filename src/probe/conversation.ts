import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import type { Endpoint } from './port-probe.ts'

/** No greeting is longer. */
const MOST_BYTES = 64 * 1024

/** A connection on which both sides speak in turn. */
export class Conversation implements Disposable {
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  #heard: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // Whoever listens hears of it.
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  /** Rejects with the connection's error. */
  static async begin(ctx: Context, at: Endpoint): Promise<Conversation> {
    const socket = connect({ ...at, signal: ctx.signal })
    await once(socket, 'connect')
    return new Conversation(socket)
  }

  say(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The next so many bytes. Rejects when there are none to come. */
  async hear(count: number): Promise<Buffer> {
    if (count > MOST_BYTES) throw new Error('it speaks another protocol')
    while (this.#heard.length < count) {
      const { value, done } = await this.#chunks.next()
      if (done) throw new Error(this.#heard.length === 0 ? 'it hangs up' : 'it speaks another protocol')
      this.#heard = Buffer.concat([this.#heard, value])
    }
    const next = this.#heard.subarray(0, count)
    this.#heard = this.#heard.subarray(count)
    return next
  }

  [Symbol.dispose](): void {
    this.#socket.destroySoon()
  }
}
