import { createHash, timingSafeEqual } from 'node:crypto'

/** A secret that those who ask must know. To compare takes the same time for any wrong one. */
export class SharedSecret {
  readonly #digest: Buffer

  constructor(secret: string) {
    this.#digest = digestOf(secret)
  }

  fits(said: string): boolean {
    return timingSafeEqual(digestOf(said), this.#digest)
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
