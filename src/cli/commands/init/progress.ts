import type { Clock, Instant } from '../../../base/clock.ts'
import { formatDuration } from '../../../base/duration.ts'
import { LineWriter } from '../../../base/line-writer.ts'
import { printable } from '../../../base/printable.ts'

const TICK_MS = 1000
const LONGEST_TAIL = '...SUCCESS'
const ERASE = '\r\x1b[K'
const COLOURS: Readonly<Record<string, string>> = { SUCCESS: '\x1b[32m', FAILED: '\x1b[31m', SKIPPED: '\x1b[33m' }

/** Lines that end with a result; on a terminal they count the seconds meanwhile. It neither blocks nor throws. */
export class Progress {
  readonly #stdout = new LineWriter(1)
  readonly #clock: Clock
  readonly #onTerminal: boolean
  readonly #columns: number
  #open: { readonly line: string; readonly since: Instant } | undefined
  #cancel: () => void = () => {}

  /** `columns` is the terminal's width. */
  constructor(clock: Clock, onTerminal: boolean, columns = 80) {
    this.#clock = clock
    this.#onTerminal = onTerminal
    this.#columns = columns
  }

  begin(text: string): void {
    const line = printable(text)
    this.#open = { line, since: this.#clock.now() }
    this.#stdout.write(`${line}...`)
    if (this.#canRewrite(line)) this.#tick()
  }

  end(result: string): void {
    this.#cancel()
    const line = this.#open?.line ?? ''
    const erase = this.#canRewrite(line) ? `${ERASE}${line}...` : ''
    this.#stdout.write(`${erase}${this.#onTerminal ? `${COLOURS[result] ?? ''}${result}\x1b[0m` : result}\n`)
    this.#open = undefined
  }

  say(line: string): void {
    this.#stdout.write(`${printable(line)}
`)
  }

  /** Only one row can be erased: a line that wraps is left as it is, without its seconds. */
  #canRewrite(line: string): boolean {
    return this.#onTerminal && line.length + LONGEST_TAIL.length < this.#columns
  }

  #tick(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => {
      if (!this.#open) return
      const { line, since } = this.#open
      const seconds = Math.floor(this.#clock.since(since) / TICK_MS) * TICK_MS
      this.#stdout.write(`${ERASE}${line}… ${formatDuration(seconds)}`)
      this.#tick()
    })
  }
}
