import type { Clock } from '../../base/clock.ts'

interface Countdown {
  expiresAtMs: number
  cancel: () => void
}

/** The leader's memory of when sessions expire (agent/consul/session_ttl.go). A new leader begins again. */
export class SessionTimers {
  readonly #clock: Clock
  readonly #expire: (id: string) => void
  readonly #countdowns = new Map<string, Countdown>()

  constructor(clock: Clock, expire: (id: string) => void) {
    this.#clock = clock
    this.#expire = expire
  }

  /** Lets a session live for `ms` from now on. */
  arm(id: string, ms: number): void {
    const expiresAtMs = this.#clock.now().monotonicMs + ms
    const countdown = this.#countdowns.get(id)
    // A renewal is cheap: the timer that is set already finds out when it fires that it must go on.
    if (countdown && countdown.expiresAtMs <= expiresAtMs) countdown.expiresAtMs = expiresAtMs
    else this.#set(id, expiresAtMs)
  }

  stop(id: string): void {
    this.#countdowns.get(id)?.cancel()
    this.#countdowns.delete(id)
  }

  stopAll(): void {
    for (const countdown of this.#countdowns.values()) countdown.cancel()
    this.#countdowns.clear()
  }

  #set(id: string, expiresAtMs: number): void {
    this.stop(id)
    const countdown: Countdown = { expiresAtMs, cancel: () => {} }
    const wait = () => {
      const leftMs = countdown.expiresAtMs - this.#clock.now().monotonicMs
      if (leftMs > 0) countdown.cancel = this.#clock.after(leftMs, wait)
      else this.#end(id)
    }
    this.#countdowns.set(id, countdown)
    wait()
  }

  #end(id: string): void {
    this.#countdowns.delete(id)
    this.#expire(id)
  }
}
