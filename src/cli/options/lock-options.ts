import { Failure } from '../../base/failure.ts'
import type { Released } from '../../child/errands.ts'
import type { Entry } from '../../consul/kv.ts'
import type { LockSpec } from '../../lock/acquire-options.ts'
import type { ContestOf } from '../../lock/contest.ts'
import { planTiming, type Timing } from '../../lock/deadline.ts'
import { type Holder, holderRecord } from '../../lock/holder-record.ts'
import { checkKey, keyOfName, MOST_LOCKS, MOST_SLOTS, slotsKey } from '../../lock/lock-keys.ts'
import { PauseRider } from '../../lock/pause-rider.ts'
import { enclosingSessions } from '../../run/child-environment.ts'
import { RunsRider } from '../../run/history/runs-rider.ts'
import { unendedRuns } from '../../run/history/unended-runs.ts'
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
export const LOCK_KEY = { ...LOCK_OPTIONS.key, describe: 'the lock is this key instead of consul-locker-<name>' }

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

/** Who wants a lock, and as what it is recorded. */
export interface Applicant {
  readonly runId: string
  readonly environment: NodeJS.ProcessEnv
  /** Asked when the lock is ours; `more` of the record is what a mode tells beside it. */
  readonly holder: () => Omit<Holder, 'runId'>
  readonly more?: object
}

/** A lock, and the one of its riders that keeps the history of its runs. */
export interface RequestedLock extends LockSpec {
  readonly history: RunsRider
}

/** The lock that options ask for. Throws a `usage` failure. */
export function requestedLock(
  name: string,
  options: Values<typeof LOCK_OPTIONS>,
  grace: Partial<Pick<Timing, 'graceMs'>>,
  { runId, environment, holder, more }: Applicant,
): RequestedLock {
  const timing = timingOf(options, grace)
  const wanted = wantedOf(name, options)
  const keys = namedKeys(name, options)
  const [lockKey] = keys
  const isShared = options.slots !== undefined || options.shared
  const history = new RunsRider({ lockKey, runId, isShared, who: holder })
  const unended = (seen: Entry | undefined) => {
    const runs = unendedRuns(seen, history.run)
    return runs.length > 0 ? { unended: runs } : {}
  }
  return {
    name,
    ...wanted,
    timing,
    sessionName: `consul-locker ${name} ${runId}`,
    record: (nowMs, seen) => holderRecord({ ...holder(), runId }, timing, nowMs, { ...more, ...unended(seen) }),
    ancestors: enclosingSessions(environment),
    riders: [new PauseRider(name, ...keys), history],
    history,
  }
}

/** What is contended for under a name, and at which key. What only some want is loaded when it is wanted. */
function wantedOf(
  name: string,
  { key: ownKey, slots, shared, also }: Values<typeof LOCK_OPTIONS>,
): Pick<LockSpec, 'key' | 'contest' | 'behavior' | 'amongHolders'> {
  const isOwnKey = ownKey !== undefined
  const key = isOwnKey ? checkKey('--key', ownKey) : keyOfName(name)
  const behavior = 'delete'
  if (slots !== undefined) {
    const list = slotsKey(key, isOwnKey)
    const contest = kept(async () => {
      const { oneOfSlots, slotsPlace } = await import('../../lock/slots.ts')
      return oneOfSlots(name, slotsPlace(list, isOwnKey ? undefined : key), slots)
    })
    return { key: list, behavior, contest }
  }
  if (shared) {
    const contest = kept(async () => (await import('../../lock/readers.ts')).readersOf(name, key))
    return { key, behavior, contest }
  }
  if (also.length > 0) {
    const locks = [{ name, key }, ...otherLocks(key, also)] as const
    const contest = kept(async () => (await import('../../lock/lock-set.ts')).lockSetOf(locks))
    return { key, contest }
  }
  const amongHolders: LockSpec['amongHolders'] = async (...met) =>
    (await import('../../lock/writer.ts')).writerAmong(...met)
  return { key, amongHolders }
}

/** The keys of the locks that are named, whatever is contended for below them: by these they are paused. */
function namedKeys(name: string, { key, also }: Values<typeof LOCK_OPTIONS>): [string, ...string[]] {
  return [key ?? keyOfName(name), ...also.map(keyOfName)]
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

/** One contest for all sessions that a run needs until it has won: it remembers what all have agreed on. */
function kept(load: () => Promise<ContestOf>): ContestOf {
  let made: Promise<ContestOf> | undefined
  return async (...session) => {
    made ??= load()
    return (await made)(...session)
  }
}

/** Throws a `usage` failure for a lock that is named twice, and for too many. */
function otherLocks(firstKey: string, names: readonly string[]): { name: string; key: string }[] {
  const locks = names.map((name) => ({ name, key: keyOfName(name) }))
  const keys = [firstKey, ...locks.map(({ key }) => key)]
  const twice = locks.find(({ key }, n) => keys.indexOf(key) <= n)
  if (twice) throw new Failure('usage', `the lock ${twice.name} is named twice`, { hint: 'leave one --also out' })
  if (keys.length <= MOST_LOCKS) return locks
  throw new Failure('usage', `${keys.length} locks are too many to be taken at once; ${MOST_LOCKS} are the most`)
}

function timingOf(
  { ttl: ttlMs, renew: renewMs, 'lock-delay': lockDelayMs }: Values<typeof LOCK_OPTIONS>,
  grace: Partial<Pick<Timing, 'graceMs'>>,
): Timing {
  return planTiming({
    ttlMs,
    ...grace,
    ...(renewMs !== undefined && { renewMs }),
    ...(lockDelayMs !== undefined && { lockDelayMs }),
  })
}
