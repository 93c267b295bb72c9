import type { Clock } from '../base/clock.ts'

/** More addresses than these are not told apart from one another: memory has an end. */
const MAX_CLIENTS = 10_000
/** A client may save up for so many seconds. */
const BURST_S = 3

/** How many requests each client may make in a second, on the average; some more in a burst. */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #clients = new Map<string, { readonly left: number; readonly atMs: number }>()

  /** 0 allows any number. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Whether this client may make a request now; it counts then. */
  allows(client: string): boolean {
    if (this.#perSecond === 0) return true
    const nowMs = this.#clock.now().monotonicMs
    const most = this.#perSecond * BURST_S
    const known = this.#clients.get(client)
    const left = known ? Math.min(most, known.left + ((nowMs - known.atMs) / 1000) * this.#perSecond) : most
    if (left < 1) return false
    if (!known && this.#clients.size >= MAX_CLIENTS) this.#forget(nowMs)
    this.#clients.set(client, { left: left - 1, atMs: nowMs })
    return true
  }

  /** Forgets who has saved up all that he can, or everybody. */
  #forget(nowMs: number): void {
    for (const [client, { atMs }] of this.#clients) if (nowMs - atMs > BURST_S * 1000) this.#clients.delete(client)
    if (this.#clients.size >= MAX_CLIENTS) this.#clients.clear()
  }
}
