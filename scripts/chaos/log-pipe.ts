import { execFileSync } from 'node:child_process'
import { appendFileSync, closeSync, constants, openSync, readSync, writeSync } from 'node:fs'

const LOOK_MS = 20
const CHUNK = Buffer.alloc(4096, '.\n')

/** What runners write to: a pipe that is read into a file, until the reader is told to stop reading. */
export class LogPipe implements Disposable {
  readonly #file: string
  readonly #fifo: string
  /** For reading and writing, so that the pipe never ends, whoever opens and closes it. */
  readonly #fd: number
  readonly #timer: NodeJS.Timeout
  #stuck = false

  constructor(file: string) {
    this.#file = file
    this.#fifo = `${file}.pipe`
    execFileSync('mkfifo', [this.#fifo])
    this.#fd = openSync(this.#fifo, constants.O_RDWR | constants.O_NONBLOCK)
    // A stream would read on for a while after it was told to pause.
    this.#timer = setInterval(() => this.#drain(), LOOK_MS).unref()
  }

  /** A descriptor for one runner; who asks closes it. */
  open(): number {
    return openSync(this.#fifo, constants.O_WRONLY)
  }

  /** Nobody reads any more, and the pipe is full: the next to write waits for ever. */
  stick(): void {
    this.#stuck = true
    untilItWouldBlock(() => writeSync(this.#fd, CHUNK))
  }

  /** What has been written meanwhile is read. */
  release(): void {
    this.#stuck = false
  }

  #drain(): void {
    if (this.#stuck) return
    const buffer = Buffer.alloc(1 << 16)
    untilItWouldBlock(() => appendFileSync(this.#file, buffer.subarray(0, readSync(this.#fd, buffer))))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#drain()
    closeSync(this.#fd)
  }
}

function untilItWouldBlock(step: () => void): void {
  try {
    for (;;) step()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown
  }
}
