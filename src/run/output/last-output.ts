import { AbortReason, withTimeout } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import type { OutputSink, OutputStream } from './output-plan.ts'

/** The end of the output is awaited for so long: a reader of ours that doesn't read may hold it up. */
const PATIENCE_MS = 2000

const IMPATIENT = new AbortReason('the last of the output is not waited for any longer')

/** Keeps the last of what a command writes, to both streams, and lets the rest go. */
export class LastOutput implements OutputSink {
  readonly #bytes: number
  readonly #complete = Promise.withResolvers<void>()
  #kept: Buffer = Buffer.alloc(0)

  /** `bytes` is how much it keeps. */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  async write(_stream: OutputStream, bytes: Buffer): Promise<void> {
    this.#kept = Buffer.concat([this.#kept, bytes.subarray(-this.#bytes)]).subarray(-this.#bytes)
  }

  close(): void {
    this.#complete.resolve()
  }

  /** Settles with it, once all of it is there, or soon. Rejects with the signal's reason. */
  async text(ctx: Context): Promise<string> {
    await withTimeout(
      ctx,
      PATIENCE_MS,
      () => IMPATIENT,
      () => this.#complete.promise,
    ).catch((thrown: unknown) => {
      if (thrown !== IMPATIENT) throw thrown
    })
    return wholeCharacters(this.#kept).toString('utf8')
  }
}

/** Without the rest of a character of UTF-8 that began before. */
function wholeCharacters(bytes: Buffer): Buffer {
  const from = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80)
  return bytes.subarray(Math.max(0, from))
}
