import { writeSync } from 'node:fs'
import type { Clock, Instant } from '../base/clock.ts'
import { formatDuration } from '../base/duration.ts'

const TICK_MS = 1000
const ERASE = '\r\x1b[K'
const COLOURS: Readonly<Record<string, string>> = { SUCCESS: '\x1b[32m', FAILED: '\x1b[31m', SKIPPED: '\x1b[33m' }

/** Lines that end with a verdict; on a terminal they count the seconds meanwhile. It never throws. */
export class Progress {
  readonly #clock: Clock
  readonly #onTerminal: boolean
  #open: { readonly line: string; readonly since: Instant } | undefined
  #cancel: () => void = () => {}

  constructor(clock: Clock, onTerminal: boolean) {
    this.#clock = clock
    this.#onTerminal = onTerminal
  }

  begin(line: string): void {
    this.#open = { line, since: this.#clock.now() }
    write(`${line}...`)
    if (this.#onTerminal) this.#tick()
  }

  end(verdict: string): void {
    this.#cancel()
    const erase = this.#onTerminal ? `${ERASE}${this.#open?.line}...` : ''
    write(`${erase}${this.#onTerminal ? `${COLOURS[verdict] ?? ''}${verdict}\x1b[0m` : verdict}\n`)
    this.#open = undefined
  }

  say(line: string): void {
    write(`${line}\n`)
  }

  #tick(): void {
    this.#cancel = this.#clock.after(TICK_MS, () => {
      if (!this.#open) return
      const { line, since } = this.#open
      const seconds = Math.floor(this.#clock.since(since) / TICK_MS) * TICK_MS
      write(`${ERASE}${line}… ${formatDuration(seconds)}`)
      this.#tick()
    })
  }
}

/** Nobody reads any more: what we are at is more important than telling of it. */
function write(text: string): void {
  try {
    writeSync(1, text)
  } catch {
    // A closed pipe, or a full disk.
  }
}
