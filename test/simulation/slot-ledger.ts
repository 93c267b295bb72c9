import { Ledger, type Life } from './ledger.ts'

/** Counts who lives at once; more than the limit is a violation. */
export class SlotLedger extends Ledger {
  /** The most that ever lived at once. */
  most = 0
  readonly #limit: number
  readonly #inside = new Set<Life>()

  constructor(limit: number) {
    super()
    this.#limit = limit
  }

  override begin(run: string, fence: number, nowMs: number): Life {
    const life: Life = { run, fence, beganMs: nowMs, tampered: false }
    this.#inside.add(life)
    this.lives += 1
    this.most = Math.max(this.most, this.#inside.size)
    if (this.#inside.size > this.#limit) {
      const runs = [...this.#inside].map((one) => `${one.run} (since ${one.beganMs} ms)`).join(', ')
      this.violations.push(`at ${nowMs} ms there are ${this.#inside.size}: ${runs}`)
    }
    return life
  }

  override end(life: Life): void {
    this.#inside.delete(life)
  }

  override get living(): number {
    return this.#inside.size
  }
}
