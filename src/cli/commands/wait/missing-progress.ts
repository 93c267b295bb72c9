import type { Clock, Instant } from '../../../base/clock.ts'
import { formatDuration } from '../../../base/duration.ts'
import { writeStderr } from '../../../base/log.ts'
import type { Missing } from '../../../gate/await-gates.ts'
import { describeMissing } from '../../../gate/missing-reporter.ts'

const SOON_MS = 200
const TICK_MS = 1000
const ERASE = '\r\x1b[K'
const COLUMNS = 80

/** One line on a terminal that says which gates are missing, rewritten every second, and erased at the end. */
export class MissingProgress implements Disposable {
  readonly #clock: Clock
  readonly #of: number
  readonly #beganAt: Instant
  #missing: readonly Missing[] = []
  #isShown = false
  #cancel: () => void

  /** `of` so many gates. */
  constructor(clock: Clock, of: number) {
    this.#clock = clock
    this.#of = of
    this.#beganAt = clock.now()
    this.#cancel = clock.after(SOON_MS, () => this.#tick())
  }

  update(missing: readonly Missing[]): void {
    this.#missing = missing
    if (this.#isShown) this.#write()
  }

  #tick(): void {
    this.#write()
    this.#cancel = this.#clock.after(TICK_MS, () => this.#tick())
  }

  #write(): void {
    const elapsed = formatDuration(Math.floor(this.#clock.since(this.#beganAt) / TICK_MS) * TICK_MS)
    const shut = `${this.#missing.length} of ${this.#of}`
    const line = `waiting ${elapsed} for ${shut}: ${describeMissing(this.#missing)}`
    this.#isShown = true
    // A character that is wider than others would break the line, and the next one would not overwrite it.
    writeStderr(ERASE + fitting(line.replaceAll(/[^ -~]/gu, '?'), Math.min(process.stderr.columns || COLUMNS, COLUMNS)))
  }

  [Symbol.dispose](): void {
    this.#cancel()
    if (this.#isShown) writeStderr(ERASE)
  }
}

/** The last column stays free: some terminals go on to the next line there. */
function fitting(line: string, columns: number): string {
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 4))}...`
}
