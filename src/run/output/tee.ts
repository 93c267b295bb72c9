import type { Context } from '../../base/context.ts'
import { Failure, reasonOf } from '../../base/failure.ts'
import { LogFile } from '../../host/log-file.ts'
import type { OutputSink, OutputStream } from './output-plan.ts'

/** Writes both streams to a file, too. What the file doesn't take is missing there, and nowhere else. */
export class Tee implements OutputSink {
  readonly #ctx: Context
  readonly #name: string
  readonly #file: LogFile
  #writing: Promise<void> = Promise.resolve()
  #isTroubled = false
  #missingBytes = 0

  /** Throws a `usage` failure for a file that can't be written to. */
  constructor(ctx: Context, name: string, maxBytes: number | undefined) {
    this.#ctx = ctx
    this.#name = name
    try {
      this.#file = new LogFile(name, maxBytes)
    } catch (thrown) {
      throw new Failure('usage', `the command's output can't be written to ${name}: ${reasonOf(thrown)}`, {
        hint: 'name a file in a directory that is there, and that this user may write to',
        cause: thrown,
      })
    }
  }

  /** Never rejects. */
  write(_stream: OutputStream, bytes: Buffer): Promise<void> {
    this.#writing = this.#writing.then(() => this.#append(bytes))
    return this.#writing
  }

  /** Says how much is missing in the file. */
  close(): void {
    this.#file.close()
    if (this.#missingBytes === 0) return
    this.#ctx.log.warn(`${this.#missingBytes} bytes of the command's output are missing in ${this.#name}`)
  }

  async #append(bytes: Buffer): Promise<void> {
    let rest = bytes
    this.#makeRoomFor(bytes.length)
    try {
      while (rest.length > 0) {
        const written = await this.#file.write(rest)
        if (written === 0) throw new Error('nothing was written')
        rest = rest.subarray(written)
      }
    } catch (thrown) {
      this.#missingBytes += rest.length
      this.#complain(`the command's output can't be written to ${this.#name}: ${reasonOf(thrown)}; the command goes on`)
    }
  }

  #makeRoomFor(bytes: number): void {
    try {
      this.#file.makeRoomFor(bytes)
    } catch (thrown) {
      this.#complain(`${this.#name} grows beyond its size, for it can't be renamed: ${reasonOf(thrown)}`)
    }
  }

  /** Once: what is wrong with one piece is wrong with the next. */
  #complain(sentence: string): void {
    if (!this.#isTroubled) this.#ctx.log.warn(sentence)
    this.#isTroubled = true
  }
}
