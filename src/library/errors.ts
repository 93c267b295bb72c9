/**
 * Why something wasn't done:
 * - `busy`: the lock wasn't free, or not within `wait`
 * - `skipped`: it was not time yet to do it again (`oncePer`)
 * - `lost`: the lock left us; see {@link LockLost}
 * - `timed-out`: what was waited for didn't come about in time
 * - `usage`: names or options make no sense
 * - `unreachable`: no connection with Consul, or it broke, or no answer came in time
 * - `unavailable`: Consul answers that it can't serve now
 * - `untrusted`: no TLS, or one side doesn't trust the other's certificate
 * - `denied`: Consul refuses for want of rights, or doesn't know the token
 * - `rejected`: Consul refuses what was asked, for good
 * - `not-consul`: what answers is something else
 * - `failed`: anything else; the message says what
 */
export type ErrorCode =
  | 'busy'
  | 'skipped'
  | 'lost'
  | 'timed-out'
  | 'usage'
  | 'unreachable'
  | 'unavailable'
  | 'untrusted'
  | 'denied'
  | 'rejected'
  | 'not-consul'
  | 'failed'

/** How errors of this package are known, also those of another copy of it in the same process. */
const BRAND = Symbol.for('consul-locker.error')

/** What this package rejects with, but for what your own code throws, and the reasons of your own signals. */
export class ConsulLockerError extends Error {
  /** Why; see {@link ErrorCode}. */
  readonly code: ErrorCode
  /** What may help, in words for people. */
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, about: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in about ? { cause: about.cause } : {})
    this.name = 'ConsulLockerError'
    this.code = code
    this.hint = about.hint
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * How a lock left its holder:
 * - `session-gone`: Consul doesn't know the session any more; it expired, or somebody destroyed it
 * - `deadline`: no renewal came through in time; Consul may give the lock away soon
 * - `key-taken`: somebody else holds the key
 * - `key-released`: somebody released the key in our name
 */
export type LossName = 'session-gone' | 'deadline' | 'key-taken' | 'key-released'

/** A lock was lost: the reason of a {@link Lock}'s signal, and what `withLock` rejects with then. */
export class LockLost extends ConsulLockerError {
  declare readonly code: 'lost'
  /** The lock's name. */
  readonly lock: string
  readonly loss: LossName

  constructor(lock: string, loss: LossName, message: string, about: { cause?: unknown } = {}) {
    super('lost', message, about)
    this.name = 'LockLost'
    this.lock = lock
    this.loss = loss
  }
}

/** Whether this is an error of this package; of this code, if one is given. */
export function isConsulLockerError(thrown: unknown, code?: ErrorCode): thrown is ConsulLockerError {
  if (typeof thrown !== 'object' || thrown === null || !(BRAND in thrown)) return false
  return code === undefined || ('code' in thrown && thrown.code === code)
}

/** Whether this tells of a lost lock: as an error, or as a signal's reason. */
export function isLockLost(thrown: unknown): thrown is LockLost {
  return isConsulLockerError(thrown, 'lost')
}
