import { execFile, spawn } from 'node:child_process'
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { randomId } from '../base/random-id.ts'
import { oldFiles, openStateFolder, stateFolders } from '../host/state-folder.ts'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const ENDING = '.output'
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

  /**
   * A real pipe, which Node has no call for: from its own a command could not open /dev/stderr. It has a name for a
   * moment, where nobody else can see it. Settles with `undefined` where that can't be; then the output is lost.
   */
  static async open(ctx: Context, environment: NodeJS.ProcessEnv): Promise<OutputTail | undefined> {
    for (const folder of stateFolders(environment)) {
      const name = join(folder, `${randomId()}${ENDING}`)
      try {
        openStateFolder(folder)
        for (const leftover of oldFiles(ctx, folder, ENDING)) rmSync(leftover, { force: true })
        await makePipe(name, environment)
        const [readEnd, second] = [openSync(name, O_RDONLY | O_NONBLOCK), openSync(name, O_RDONLY | O_NONBLOCK)]
        return new OutputTail(readEnd, openSync(name, O_WRONLY), startSuccessor(second, environment))
      } catch {
        // The next folder, then.
      } finally {
        rmSync(name, { force: true })
      }
    }
    return undefined
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

function makePipe(name: string, environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = systemPath(environment)
    execFile('mkfifo', ['-m', '600', name], { env }, (error) => (error ? reject(error) : resolve()))
  })
}

/** All that the system's own tools need; what marks the processes of a run must not be in it. */
function systemPath({ PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: `${PATH ? `${PATH}:` : ''}/usr/bin:/bin` }
}
