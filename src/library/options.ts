import * as v from 'valibot'
import { Failure } from '../base/failure.ts'
import type { Timing } from '../lock/lease-timing.ts'
import { MOST_SLOTS } from '../lock/lock-keys.ts'
import type { LockChoice } from '../run/wanted-lock.ts'
import { aFunction, aText, aWholeNumber, type SchemasOf, yesOrNo } from './given.ts'
import { aDuration, type Duration } from './given-duration.ts'
import type { LogCallback } from './log-callback.ts'
import type { ConsulConnection, ConsulOptions } from './shared-connection.ts'

/** What `withLock` and `acquire` have in common. */
export interface LockOptions {
  /** How to reach Consul, or a connection that others use, too; see `connect`. */
  readonly consul?: ConsulOptions | ConsulConnection | undefined
  /** How long to wait for the lock; 0 tries once; without it the wait has no end. */
  readonly wait?: Duration | undefined
  /** Ends the wait for the lock when it aborts. In `withLock` the work's signal follows it, too. */
  readonly signal?: AbortSignal | undefined
  /** So many may have the lock at a time, as with `--slots`; all who want it must say the same. */
  readonly slots?: number | undefined
  /** Be one of many readers, as with `--shared`; who wants it without this is the writer. */
  readonly shared?: boolean | undefined
  /** The names of more locks, to be had together with this one or not at all, as with `--also`. */
  readonly also?: readonly string[] | undefined
  /** The lock's key, if it isn't `consul-locker-<name>`. */
  readonly key?: string | undefined
  /** The session's TTL, 15s unless it is told, at least 10s: so long can Consul be away before the lock is lost. */
  readonly ttl?: Duration | undefined
  /** How long the work may need to stop once its signal has aborted: 5s, unless it is told. */
  readonly grace?: Duration | undefined
  /** How long nobody gets the lock after the session of its holder died; by default TTL + grace + a tenth + 2 s. */
  readonly lockDelay?: Duration | undefined
  /** What people read as the holder's command (`consul-locker status`); by default the name of the script. */
  readonly as?: string | undefined
  /** Hears what happens; without it nobody does. */
  readonly log?: LogCallback | undefined
}

/** One of another realm, or of a polyfill, is one, too. */
function isSignal(given: unknown): boolean {
  const { throwIfAborted, addEventListener } = Object(given) as Partial<AbortSignal>
  return typeof throwIfAborted === 'function' && typeof addEventListener === 'function'
}

/**
 * What all functions take. `consul` is judged where the connection is opened.
 * @internal
 */
export const COMMON_OPTIONS = {
  consul: v.optional(v.custom<ConsulOptions | ConsulConnection>(() => true)),
  wait: v.optional(aDuration),
  signal: v.optional(v.custom<AbortSignal>(isSignal, 'an AbortSignal')),
  log: v.optional(aFunction<LogCallback>()),
}

/** @internal */
export const GIVEN_LOCK_OPTIONS = v.strictObject({
  ...COMMON_OPTIONS,
  slots: v.optional(aWholeNumber(1, MOST_SLOTS)),
  shared: v.optional(yesOrNo),
  also: v.optional(v.array(v.string("a lock's name"), "a list of locks' names")),
  key: v.optional(aText),
  ttl: v.optional(aDuration),
  grace: v.optional(aDuration),
  lockDelay: v.optional(aDuration),
  as: v.optional(aText),
} satisfies SchemasOf<LockOptions>)

/**
 * A lock's options as they are worked with: times are milliseconds.
 * @internal
 */
export type GivenLockOptions = v.InferOutput<typeof GIVEN_LOCK_OPTIONS>

/**
 * Throws a `usage` failure for what can't be wanted together.
 * @internal
 */
export function chosenLock(options: GivenLockOptions): LockChoice {
  const { key, slots, shared = false, also = [] } = options
  const wanted = [slots !== undefined && 'slots', shared && 'shared', also.length > 0 && 'also'].filter(Boolean)
  if (wanted.length > 1) throw new Failure('usage', `${wanted.join(' and ')} can't be wanted together`)
  return { key, slots, shared, also }
}

/** @internal */
export function givenTimes({ ttl, grace, lockDelay }: GivenLockOptions): Partial<Timing> {
  return {
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(grace !== undefined && { graceMs: grace }),
    ...(lockDelay !== undefined && { lockDelayMs: lockDelay }),
  }
}
