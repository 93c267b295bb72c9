import { spawn } from 'node:child_process'
import { closeSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Context } from '../base/context.ts'
import { openPipe, systemPath } from './pipe.ts'

const KEPT_BYTES = 4096
/** At a command's end so much at most is still read: a daemon of its may write without end. */
const LAST_BYTES = 1024 * 1024

/** A pipe that a command writes to, without end if it must, while only the last of it is kept. */
export class OutputTail {
  /** For the command's standard output and error. */
  readonly writeEnd: number
  readonly #readEnd: number
  readonly #reader: Socket
  readonly #successor: Disposable
  #last: Buffer = Buffer.alloc(0)

  private constructor(readEnd: number, writeEnd: number, successor: Disposable) {
    this.#successor = successor
    this.#readEnd = readEnd
    this.writeEnd = writeEnd
    this.#reader = new Socket({ fd: readEnd, readable: true, writable: false })
    this.#reader.on('error', () => {})
    this.#reader.on('data', (chunk: Buffer) => this.#keep(chunk))
  }

  /** Settles with `undefined` where there can't be a pipe; then the output is lost. */
  static async open(ctx: Context, environment: NodeJS.ProcessEnv): Promise<OutputTail | undefined> {
    const pipe = await openPipe(ctx, environment)
    return pipe && new OutputTail(pipe.readEnd, pipe.writeEnd, startSuccessor(pipe.secondReadEnd, environment))
  }

  /** To be called when the command runs, or can't: its end of the pipe is its own from then on. */
  handOver(): void {
    closeSync(this.writeEnd)
  }

  /** The last of what was written, a few kilobytes at most, up to now. */
  leave(): string {
    this.#readOn()
    this.#successor[Symbol.dispose]()
    this.#reader.destroy()
    return this.#last.toString('utf8')
  }

  /** Reads what is there already. */
  #readOn(): void {
    // Nobody can write any more then, and the descriptor may be somebody else's by now.
    if (this.#reader.destroyed) return
    const chunk = Buffer.alloc(64 * 1024)
    try {
      for (let total = 0; total < LAST_BYTES; ) {
        const length = readSync(this.#readEnd, chunk)
        if (length === 0) return
        this.#keep(chunk.subarray(0, length))
        total += length
      }
    } catch {
      // Nothing is there at the moment, but somebody may still write.
    }
  }

  #keep(chunk: Buffer): void {
    this.#last = Buffer.concat([this.#last, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES)
  }
}

/**
 * A daemon that the command leaves behind, and the command itself when we are killed, must be able to write on, and not
 * notice that we have gone: from then on somebody else reads, as long as there is a writer. `pipe` becomes his.
 */
function startSuccessor(pipe: number, environment: NodeJS.ProcessEnv): Disposable {
  const successor = spawn('/bin/sh', ['-c', 'read -r _ <&3; exec cat >/dev/null 3<&-'], {
    stdio: [pipe, 'ignore', 'ignore', 'pipe'],
    env: systemPath(environment),
    cwd: '/',
    detached: true,
  })
  closeSync(pipe)
  successor.on('error', () => {})
  successor.unref()
  const lifeline = successor.stdio[3] as Socket
  lifeline.on('error', () => {})
  lifeline.unref()
  return { [Symbol.dispose]: () => void lifeline.destroy() }
}
