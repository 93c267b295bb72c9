import type { Clock } from '../base/clock.ts'

/** More addresses than these are not told apart from one another: memory has an end. */
const MAX_CLIENTS = 10_000

/** What one client may do in a time, on the average; some more in a burst. */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number
  readonly #clients = new Map<string, { readonly left: number; readonly atMs: number }>()

  /** A client saves up as far as `burst`. 0 a second allows any number. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** Whether this client may do one thing now; it counts then. */
  allows(client: string): boolean {
    if (this.#perSecond === 0) return true
    if (this.#leftTo(client) < 1) return false
    this.charge(client, 1)
    return true
  }

  /** Counts what turned out to cost more; the client may have to wait longer then. */
  charge(client: string, cost: number): void {
    if (this.#perSecond === 0) return
    const left = this.#leftTo(client) - cost
    if (!this.#clients.has(client) && this.#clients.size >= MAX_CLIENTS) this.#forget()
    this.#clients.set(client, { left, atMs: this.#clock.now().monotonicMs })
  }

  #leftTo(client: string): number {
    const known = this.#clients.get(client)
    if (!known) return this.#burst
    const sinceMs = this.#clock.now().monotonicMs - known.atMs
    return Math.min(this.#burst, known.left + (sinceMs / 1000) * this.#perSecond)
  }

  /** Forgets who has saved up all that he can, or everybody. */
  #forget(): void {
    for (const client of this.#clients.keys()) if (this.#leftTo(client) >= this.#burst) this.#clients.delete(client)
    if (this.#clients.size >= MAX_CLIENTS) this.#clients.clear()
  }
}
