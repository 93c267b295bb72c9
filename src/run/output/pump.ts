import { readSync } from 'node:fs'
import { Socket } from 'node:net'
import { aborted } from '../../base/abort.ts'
import type { OutputSink, OutputStream } from './output-plan.ts'

/** At the end so much at most is still read: a daemon of the command's may write without end. */
const LAST_BYTES = 1024 * 1024
const CHUNK_BYTES = 64 * 1024

/** Carries what comes out of a pipe to a sink, no faster than that takes it. */
export class Pump {
  readonly stream: OutputStream
  readonly #readEnd: number
  readonly #socket: Socket

  /** The read end is the pump's from then on. */
  constructor(readEnd: number, stream: OutputStream) {
    this.stream = stream
    this.#readEnd = readEnd
    this.#socket = new Socket({ fd: readEnd, readable: true, writable: false })
    this.#socket.on('error', () => {})
  }

  /**
   * Settles with `true` when nobody can write to the pipe any more and the sink has all. When `leaving` aborts it takes
   * what is there already, and settles with `false`. Rejects as the sink does. The read end is closed then.
   */
  async run(sink: OutputSink, leaving: AbortSignal): Promise<boolean> {
    const socket = this.#socket
    const left = aborted(leaving)
    try {
      for (;;) {
        const chunk = socket.read() as Buffer | null
        if (chunk) await sink.write(this.stream, chunk)
        else if (socket.readableEnded || socket.destroyed) return true
        else if (leaving.aborted) return await this.#takeRest(sink)
        else await Promise.race([this.#readable(), left])
      }
    } finally {
      socket.destroy()
    }
  }

  #readable(): Promise<void> {
    return new Promise((resolve) => {
      const events = ['readable', 'end', 'close'] as const
      const heard = () => {
        for (const event of events) this.#socket.removeListener(event, heard)
        resolve()
      }
      for (const event of events) this.#socket.on(event, heard)
    })
  }

  /** Settles with whether nobody can write any more. */
  async #takeRest(sink: OutputSink): Promise<boolean> {
    for (let total = 0; total < LAST_BYTES; ) {
      const chunk = Buffer.alloc(CHUNK_BYTES)
      const length = this.#readNow(chunk)
      if (length <= 0) return length === 0
      await sink.write(this.stream, chunk.subarray(0, length))
      total += length
    }
    return false
  }

  /** Negative when nothing is there at the moment. */
  #readNow(chunk: Buffer): number {
    // The descriptor may be somebody else's by then.
    if (this.#socket.destroyed) return 0
    try {
      return readSync(this.#readEnd, chunk)
    } catch {
      return -1
    }
  }
}
