import type { Released } from '../../child/internal-command.ts'
import type { LockSpec } from '../../lock/acquire-options.ts'
import type { Timing } from '../../lock/lease-timing.ts'
import { keyOfName, MOST_SLOTS } from '../../lock/lock-keys.ts'
import { type RequestedLock, type RunIdentity, wantedLock } from '../../run/wanted-lock.ts'
import type { Syntax } from '../syntax/command-syntax.ts'
import { everywhere, flag, option, repeatable, type Values } from '../syntax/option.ts'
import { duration, exitCode, wholeNumber } from '../syntax/values.ts'

/** How long a lock is waited for. */
export const WAIT_OPTIONS = everywhere({
  'no-wait': { ...flag('Waiting:', 'give up at once when the lock is not free'), alias: 'n' },
  wait: { ...option('Waiting:', 'TIME', 'give up after this time: 5 (seconds), 90s, 1.5h', duration), alias: 'w' },
  'conflict-exit-code': {
    ...option('Waiting:', 'N', 'exit with this code instead of 1 when giving up', exitCode),
    alias: 'E',
  },
})

/** Which key a lock is, and what it lives by. */
export const LOCK_OPTIONS = everywhere({
  key: option('Lock:', 'KEY', 'lock this key instead of consul-locker-<name>'),
  ttl: option('Lock:', 'TIME', "the session's TTL (15s), at least 10s", duration, '15s'),
  renew: option('Lock:', 'TIME', 'renew the session this often (two thirds of the TTL)', duration),
  'lock-delay': option('Lock:', 'TIME', 'keep the lock closed this long when a holder dies (24s)', duration),
  slots: option('Lock:', 'N', 'let N have it at a time, as consul lock -n N does', wholeNumber(1, MOST_SLOTS)),
  shared: { ...flag('Lock:', 'be one of many readers; a run without this is the writer'), alias: 's' },
  also: {
    ...repeatable('Lock:', 'NAME', 'have the lock NAME, too, or none of them; repeatable'),
    operand: { kind: 'lock' },
  },
})

/** Which lock a command asks about, or acts on without taking it. */
export const LOCK_KEY = { ...LOCK_OPTIONS.key, describe: 'the lock is this key, and needs no name' }

/** Which of a lock's options can't be wanted together. */
export const LOCK_CONTRADICTIONS: NonNullable<Syntax['contradictions']> = [
  ['slots', 'shared'],
  ['slots', 'also'],
  ['shared', 'also'],
]

/** How long to wait, in milliseconds: 0 is not at all. */
export function waitMsOf({ 'no-wait': noWait, wait }: Values<typeof WAIT_OPTIONS>): number {
  return noWait ? 0 : (wait ?? Number.POSITIVE_INFINITY)
}

/** The lock that options ask for. Throws a `usage` failure. */
export function requestedLock(
  name: string,
  options: Values<typeof LOCK_OPTIONS>,
  grace: Partial<Pick<Timing, 'graceMs'>>,
  identity: RunIdentity,
): RequestedLock {
  return wantedLock(name, options, timingOf(options, grace), identity)
}

/** What is to be given back when the holder was killed, and by which keys. */
export function releasedOf(
  { name, key }: LockSpec,
  { key: ownKey, slots, shared, also }: Values<typeof LOCK_OPTIONS>,
): [Released, string[]] {
  if (slots !== undefined) return ['semaphore', [key, ...(ownKey === undefined ? [keyOfName(name)] : [])]]
  if (shared) return ['reader', [key]]
  return ['lock', [key, ...also.map(keyOfName)]]
}

function timingOf(
  { ttl: ttlMs, renew: renewMs, 'lock-delay': lockDelayMs }: Values<typeof LOCK_OPTIONS>,
  grace: Partial<Pick<Timing, 'graceMs'>>,
): Partial<Timing> {
  return {
    ttlMs,
    ...grace,
    ...(renewMs !== undefined && { renewMs }),
    ...(lockDelayMs !== undefined && { lockDelayMs }),
  }
}
