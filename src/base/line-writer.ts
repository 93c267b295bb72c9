import { NonBlockingOutput } from './nonblocking-output.ts'

/** What waits for a reader that doesn't read; what comes beyond it is dropped. */
const LONGEST_WAITING_BYTES = 256 * 1024

/** Says how many lines are missing, as a line. */
export type DropNotice = (lines: number) => string

const NOTHING = Buffer.alloc(0)

const writing = new Set<Promise<void>>()

/**
 * Our lines on a standard stream. Writing one never blocks and never throws: a reader that has gone or doesn't read, or
 * a full disk, costs lines; how many is written when others can be again.
 */
export class LineWriter {
  readonly #output: NonBlockingOutput
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #dropped = 0
  #notice: DropNotice = () => ''
  #isBusy = false

  constructor(fd: number) {
    this.#output = new NonBlockingOutput(fd)
  }

  /** `notice` says how many lines were dropped before this one. */
  write(line: string, notice: DropNotice = () => ''): void {
    this.#notice = notice
    if (!this.#isBusy) this.#writeNow(Buffer.from(this.#noticeBefore() + line))
    else if (this.#waitingBytes + line.length > LONGEST_WAITING_BYTES) this.#dropped += 1
    else this.#buffer(Buffer.from(line))
  }

  #noticeBefore(): string {
    return this.#dropped > 0 ? this.#notice(this.#dropped) : ''
  }

  #buffer(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
  }

  #writeNow(bytes: Buffer): void {
    try {
      const rest = this.#output.writeNow(bytes)
      this.#dropped = 0
      if (rest.length > 0) this.#writeLater(rest)
    } catch {
      this.#dropped += 1
    }
  }

  #writeLater(bytes: Buffer): void {
    this.#isBusy = true
    const written = this.#writeOn(bytes).then(() => {
      this.#isBusy = false
      writing.delete(written)
    })
    writing.add(written)
  }

  async #writeOn(bytes: Buffer): Promise<void> {
    let lines = 1
    for (let rest = bytes; rest.length > 0; ) {
      const isLost = await this.#output.write(rest).then(
        () => false,
        () => true,
      )
      if (isLost) this.#dropped += lines
      lines = this.#waiting.length
      rest = isLost && lines === 0 ? NOTHING : this.#next()
    }
  }

  /** All that waited meanwhile, and how many lines were dropped behind it. */
  #next(): Buffer {
    const next = Buffer.concat([...this.#waiting.splice(0), Buffer.from(this.#noticeBefore())])
    this.#waitingBytes = 0
    this.#dropped = 0
    return next
  }
}

/** Settles once all lines are written; never, if nobody reads it. */
export async function allWritten(): Promise<void> {
  while (writing.size > 0) await Promise.all(writing)
}
