import { REQUEST_TIMEOUT_MS } from '../../src/consul/consul.ts'

/** One command's life under a lock. */
export interface Life {
  readonly run: string
  readonly fence: number
  readonly beganMs: number
  /** Somebody took the lock away in a way that no lock can survive; see `Ledger.tamper`. */
  tampered: boolean
  /** Whether nothing is promised for this life any more. A command's has no such end. */
  readonly excuse?: (() => boolean) | undefined
}

/** A lock may be ours for so long before its command begins: the reply takes as long as an attempt may, and some. */
const CLAIM_TAKES_MS = REQUEST_TIMEOUT_MS + 1000

/** The guardian's slack, looks at the group and KILL take their time; less than the margin in the lock-delay. */
export const LATENESS_MS = 500

/** Who lived when; finds two commands that live at once. */
export class Ledger {
  readonly violations: string[] = []
  /** Overlaps that the design excludes by name. */
  excused = 0
  lives = 0
  readonly #living = new Set<Life>()
  #lastFence = 0
  #tamperedUntilMs = 0
  /** Fences may fall behind a restored snapshot. */
  #fencesCount = true

  begin(run: string, fence: number, nowMs: number, excuse?: () => boolean): Life {
    const life: Life = { run, fence, beganMs: nowMs, tampered: nowMs < this.#tamperedUntilMs, excuse }
    for (const other of this.#living) this.#overlap(other, life, nowMs)
    if (this.#fencesCount && fence <= this.#lastFence && !life.tampered) {
      this.violations.push(`at ${nowMs} ms ${run} got the fence ${fence} after ${this.#lastFence}`)
    }
    this.#lastFence = fence
    this.#living.add(life)
    this.lives += 1
    return life
  }

  #overlap(older: Life, newer: Life, nowMs: number): void {
    if (older.tampered || older.excuse?.()) this.excused += 1
    else this.violations.push(`at ${nowMs} ms ${newer.run} begins while ${older.run} lives (since ${older.beganMs} ms)`)
  }

  end(life: Life): void {
    this.#living.delete(life)
  }

  /**
   * Judges a life that has ended by its own machine's clock: `overdueMs` after TTL and grace were over. That is asked
   * of each machine by itself, for Consul takes so much longer as a rule that a holder's lateness hardly ever meets
   * another holder's command.
   */
  judge({ run, beganMs }: Life, overdueMs: number): void {
    if (overdueMs <= LATENESS_MS) return
    this.violations.push(`${run}, which lived since ${beganMs} ms, ended ${Math.round(overdueMs)} ms too late`)
  }

  get living(): number {
    return this.#living.size
  }

  /**
   * Whoever lives now may meet another one: an operator deletes the key or releases it in the holder's name, servers
   * forget the lock-delay, or the cluster is set back to an older state. The design excludes these by name.
   */
  tamper(nowMs: number): void {
    this.#tamperedUntilMs = nowMs + CLAIM_TAKES_MS
    for (const life of this.#living) life.tampered = true
  }

  forgetFences(): void {
    this.#fencesCount = false
  }
}
