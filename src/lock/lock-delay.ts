import { sleep } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Blocker } from './compound-lock.ts'
import { lockDelayOf } from './holder-record.ts'
import { LOCK_DELAY_MAX_MS } from './lease-timing.ts'

/** Between two tries while Consul keeps the lock closed and we don't know since when. */
const RETRY_MS = 1000

/**
 * The time for which Consul keeps a lock closed whose holder's session died, as one sees it who waits: nothing wakes a
 * waiter at its end, and Consul doesn't say when it began.
 */
export class LockDelay {
  /** When we saw the last holder's session vanish from the key; it is closed from then on. */
  #known: { readonly since: Instant; readonly ms: number } | undefined

  /** Nobody holds the key any more; this one did, if anybody was seen. */
  begin(ctx: Context, holder: Blocker | undefined): void {
    this.#known = holder && { since: ctx.clock.now(), ms: lockDelayOf(holder.value) }
  }

  /** What is left of it, in milliseconds, as far as it is known; 0 otherwise. From then on nothing is known. */
  takeLeftMs(ctx: Context): number {
    const known = this.#known
    this.#known = undefined
    return known ? Math.max(0, known.ms - ctx.clock.since(known.since)) : 0
  }
}

/** Waits for so long, or for a while if that isn't known. */
export function untilNextTry(ctx: Context, leftMs: number): Promise<void> {
  return sleep(ctx, Math.max(leftMs, RETRY_MS * (0.5 + ctx.random() / 2)))
}

/** The longest lock-delay of a holder that was cut off, in milliseconds, as far as its record tells. */
export function longestLockDelayMs(entry: Blocker | undefined): number {
  const told = entry ? lockDelayOf(entry.value) : 0
  return told > 0 ? told : LOCK_DELAY_MAX_MS
}
