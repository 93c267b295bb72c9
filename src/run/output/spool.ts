import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAside } from '../../base/nonblocking-output.ts'
import { randomId } from '../../base/random-id.ts'
import type { OutputSink, OutputStream } from './output-plan.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
/** A frame: its stream, how many bytes it has, and they themselves. */
const HEADER_BYTES = 5
const STREAMS: readonly OutputStream[] = ['stdout', 'stderr']
/** So much of the end is kept in memory when the file takes no more. */
const KEPT_BYTES = 256 * 1024

/**
 * Holds back what a command writes, in order, until it is known whether anybody wants it. In a file without a name,
 * which is gone when the last process that has it is: ours, however that ends, and the one that takes its place.
 */
export class Spool implements OutputSink {
  /** None when no file could be made. */
  readonly fd: number | undefined
  #end = 0
  #isFull: boolean
  readonly #kept: { readonly stream: OutputStream; readonly bytes: Buffer }[] = []
  #keptBytes = 0
  #missingBytes = 0
  #writing: Promise<void> = Promise.resolve()
  readonly #writeTo: typeof writeAside

  private constructor(fd: number | undefined, writeTo = writeAside) {
    this.fd = fd
    this.#isFull = fd === undefined
    this.#writeTo = writeTo
  }

  /** An empty one; in memory alone, and bounded, when none of the folders for temporary files takes a file. */
  static open({ TMPDIR }: NodeJS.ProcessEnv): Spool {
    for (const folder of [TMPDIR || '/tmp', '/tmp', '/var/tmp']) {
      const name = join(folder, `.consul-locker-${randomId()}`)
      try {
        const fd = openSync(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        rmSync(name)
        return new Spool(fd)
      } catch {
        // The next folder, then.
      }
    }
    return Spool.inMemory()
  }

  /** One that holds no more than the end. */
  static inMemory(): Spool {
    return new Spool(undefined)
  }

  /** One that another process has filled. Tests write to a disk of their own. */
  static adopt(fd: number, writeTo?: typeof writeAside): Spool {
    const spool = new Spool(fd, writeTo)
    for (let frame = spool.#frameAt(0); frame; frame = spool.#frameAt(spool.#end)) spool.#end = frame.end
    return spool
  }

  /** Never rejects: what a full disk doesn't take is kept in memory, as far as there is room. */
  write(stream: OutputStream, bytes: Buffer): Promise<void> {
    this.#writing = this.#writing.then(() => this.#append(stream, bytes))
    return this.#writing
  }

  /**
   * Gives all that was held back to a sink, in order. `onMissing` is told before the place where bytes are missing, and
   * how many. Rejects as the sink does.
   */
  async replay(sink: OutputSink, onMissing: (bytes: number) => void): Promise<void> {
    await this.#writing
    for (let at = 0; at < this.#end; ) {
      const frame = this.#frameAt(at)
      if (!frame) break
      await sink.write(frame.stream, frame.bytes)
      at = frame.end
    }
    if (this.#missingBytes > 0) onMissing(this.#missingBytes)
    for (const { stream, bytes } of this.#kept) await sink.write(stream, bytes)
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd)
  }

  async #append(stream: OutputStream, bytes: Buffer): Promise<void> {
    const taken = this.#isFull ? 0 : await this.#appendToFile(stream, bytes)
    if (taken < bytes.length) this.#keep(stream, bytes.subarray(taken))
  }

  /** Settles with how many of the bytes are in the file. */
  async #appendToFile(stream: OutputStream, bytes: Buffer): Promise<number> {
    const whole = Buffer.concat([header(stream, bytes.length), bytes])
    const written = await this.#writeAll(whole, this.#end)
    if (written === whole.length) {
      this.#end += written
      return bytes.length
    }
    this.#isFull = true
    const taken = Math.max(0, written - HEADER_BYTES)
    // What stands there already can be written over though the disk is full.
    if ((await this.#writeAll(header(stream, taken), this.#end)) < HEADER_BYTES) return 0
    this.#end += written
    return taken
  }

  async #writeAll(bytes: Buffer, at: number): Promise<number> {
    let written = 0
    try {
      while (written < bytes.length) {
        const wrote = await this.#writeTo(this.fd as number, bytes.subarray(written), at + written)
        if (wrote === 0) break
        written += wrote
      }
    } catch {
      // No space left, or a broken disk.
    }
    return written
  }

  #keep(stream: OutputStream, bytes: Buffer): void {
    this.#kept.push({ stream, bytes: Buffer.from(bytes) })
    this.#keptBytes += bytes.length
    while (this.#keptBytes > KEPT_BYTES) {
      const [oldest] = this.#kept.splice(0, 1)
      const length = oldest?.bytes.length ?? 0
      this.#keptBytes -= length
      this.#missingBytes += length
    }
  }

  #frameAt(at: number): { stream: OutputStream; bytes: Buffer; end: number } | undefined {
    const head = this.#read(at, HEADER_BYTES)
    const stream = STREAMS[head[0] ?? STREAMS.length]
    if (head.length < HEADER_BYTES || stream === undefined) return undefined
    const bytes = this.#read(at + HEADER_BYTES, head.readUInt32LE(1))
    return bytes.length === 0 ? undefined : { stream, bytes, end: at + HEADER_BYTES + bytes.length }
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    let read = 0
    while (read < length) {
      const got = readSync(this.fd as number, bytes, read, length - read, at + read)
      if (got === 0) break
      read += got
    }
    return bytes.subarray(0, read)
  }
}

function header(stream: OutputStream, length: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt8(STREAMS.indexOf(stream), 0)
  head.writeUInt32LE(length, 1)
  return head
}
