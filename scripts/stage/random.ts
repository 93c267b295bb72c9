/** Random numbers that a seed decides: the same seed gives the same ones in the same order. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number in [0, 1); mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** All of them, in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const drawn = items.map((item) => ({ item, lot: this.next() }))
    return drawn.sort((a, b) => a.lot - b.lot).map(({ item }) => item)
  }

  /** As many of them as there are, each drawn from all. */
  drawn<T>(items: readonly T[]): T[] {
    return items.map(() => items[Math.floor(this.next() * items.length)] as T)
  }
}
