/**
 * Growing pauses between tries, in milliseconds, each shortened by up to half at random so that a fleet spreads out.
 */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #nextMs: number

  constructor(random: () => number, firstMs = 250, maxMs = 5000) {
    this.#random = random
    this.#firstMs = firstMs
    this.#maxMs = maxMs
    this.#nextMs = firstMs
  }

  /** The next pause; each is about twice the one before, up to the longest. */
  next(): number {
    const pause = this.#nextMs * (1 - this.#random() / 2)
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs)
    return pause
  }

  /** Starts again from the first pause: the trouble is over. */
  reset(): void {
    this.#nextMs = this.#firstMs
  }
}
