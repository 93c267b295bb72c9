/// <reference lib="esnext.disposable" preserve="true" />
import type { LockLost } from './errors.ts'

/** A lock as who works under it sees it. */
export interface Held {
  /** The lock's name. */
  readonly name: string
  /** The key that is held. */
  readonly key: string
  /** The session that holds it. */
  readonly sessionId: string
  /**
   * The fencing token: it grows from holder to holder. Hand it to what you write to, which refuses a smaller one than
   * it has seen. It changes, and grows, if somebody deletes the key and it is taken again.
   */
  readonly fence: number
  /**
   * Aborts when the lock is lost; the reason is a {@link LockLost}. From then on nobody else has it for `grace` yet,
   * but for a key that somebody took or released by hand.
   */
  readonly signal: AbortSignal
  /** Aborts when an operator asks for the lock; the reason says who. What follows from that is up to you. */
  readonly asked: AbortSignal
  /**
   * How long the lock is safe without another renewal, in milliseconds, by the clock as it is now; 0 once it is lost.
   */
  readonly leaseLeftMs: number
  /**
   * Throws a {@link LockLost} if the lock is lost, or must be treated so by the clock as it is now: work that keeps the
   * event loop busy hears of nothing else.
   */
  throwIfLost(): void
}

/** A lock that is ours until it is given back. */
export interface Lock extends Held, AsyncDisposable {
  /**
   * Gives it back, and ends all that belongs to it. Settles with whether Consul has heard of it; if not, others get the
   * lock when its session has expired. Never rejects; the second call does nothing more.
   */
  release(): Promise<boolean>
}
