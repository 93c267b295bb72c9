import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import { systemClock } from './clock.ts'

const writeInPool = promisify(write)

/** Somebody else has made the file non-blocking for all that share it: nothing wakes us, so it is tried this often. */
const RETRY_MS = 20

let outstanding = 0

/** Whether a write is under way that may never end. The process can't exit meanwhile, for it waits for its threads. */
export function isWritePending(): boolean {
  return outstanding > 0
}

/**
 * Writes to a file by a thread: one on a dead disk holds up nobody else. Gives how much was written; rejects as
 * `write`. At no position it writes behind what was written last.
 */
export async function writeAside(fd: number, bytes: Buffer, position: number | null = null): Promise<number> {
  outstanding += 1
  try {
    return (await writeInPool(fd, bytes, 0, bytes.length, position)).bytesWritten
  } finally {
    outstanding -= 1
  }
}

const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants

/**
 * A standard stream that others write to as well, the command for one, and that may take nothing for ever: a stopped
 * pager, a frozen ssh. Nothing here blocks. The stream itself is never made non-blocking: that would make it so for
 * everybody.
 */
export class NonBlockingOutput {
  readonly #fd: number
  /** What takes bytes without blocking: the stream itself when it is a file, or a pipe or terminal opened anew. */
  #ready: number | 'none' | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Whether anything is ever written at once. */
  get isAtOnce(): boolean {
    this.#ready ??= readyFor(this.#fd)
    return this.#ready !== 'none'
  }

  /** Writes what the stream takes at once, in order with what others write; gives the rest. Throws as `writeSync`. */
  writeNow(bytes: Buffer): Buffer {
    this.#ready ??= readyFor(this.#fd)
    if (this.#ready === 'none') return bytes
    try {
      return bytes.subarray(writeSync(this.#ready, bytes))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EAGAIN') return bytes
      throw thrown
    }
  }

  /** Settles when the stream has taken all, which may be never. Rejects as `write`. */
  async write(bytes: Buffer): Promise<void> {
    const rest = this.writeNow(bytes)
    if (rest.length === 0) return
    outstanding += 1
    try {
      await this.#writeInPool(rest)
    } finally {
      outstanding -= 1
    }
  }

  async #writeInPool(bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      try {
        const { bytesWritten } = await writeInPool(this.#fd, rest)
        rest = rest.subarray(bytesWritten)
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown
        await new Promise<void>((resolve) => systemClock.after(RETRY_MS, resolve))
      }
    }
  }
}

/** Of sockets nothing can be opened anew, nor of a terminal that belongs to somebody else (after `su`). */
function readyFor(fd: number): number | 'none' {
  try {
    const isPassing = fstatSync(fd).isFIFO() || isatty(fd)
    if (!isPassing) return fstatSync(fd).isSocket() ? 'none' : fd
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return 'none'
  }
}
