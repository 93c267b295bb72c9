import { Failure } from '../base/failure.ts'
import type { Entry } from '../consul/kv.ts'
import type { LockSpec } from '../lock/acquire-options.ts'
import type { CompoundLockOf } from '../lock/compound-lock.ts'
import { type Holder, holderRecord } from '../lock/holder-record.ts'
import { planTiming, type Timing } from '../lock/lease-timing.ts'
import { checkKey, keyOfName, MOST_LOCKS, slotsKey } from '../lock/lock-keys.ts'
import { PauseRider } from '../lock/pause-rider.ts'
import { enclosingSessions } from './child-environment.ts'
import { RunsRider } from './history/runs-rider.ts'
import { unendedRuns } from './history/unended-runs.ts'

/** Which lock a user wants, and in which way; of slots, shared and also one at most. */
export interface LockChoice {
  /** The lock's key, if it isn't that of its name. */
  readonly key: string | undefined
  /** So many may have it at a time. */
  readonly slots: number | undefined
  /** To be one of many readers. */
  readonly shared: boolean
  /** The names of more locks, to be had with it or not at all. */
  readonly also: readonly string[]
}

/** Which run wants a lock, and as what it is recorded. */
export interface RunIdentity {
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

/** The lock that is chosen, with times that keep the rule. Throws a `usage` failure. */
export function wantedLock(
  name: string,
  choice: LockChoice,
  times: Partial<Timing>,
  { runId, environment, holder, more }: RunIdentity,
): RequestedLock {
  const timing = planTiming(times)
  const wanted = wantedOf(name, choice)
  const keys = namedKeys(name, choice)
  const [lockKey] = keys
  const isShared = choice.slots !== undefined || choice.shared
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
  { key: ownKey, slots, shared, also }: LockChoice,
): Pick<LockSpec, 'key' | 'compound' | 'behavior' | 'amongHolders' | 'handsOn'> {
  const isOwnKey = ownKey !== undefined
  const key = isOwnKey ? checkKey('--key', ownKey) : keyOfName(name)
  const behavior = 'delete'
  if (slots !== undefined) {
    const list = slotsKey(key, isOwnKey)
    const compound = kept(async () => {
      const { oneOfSlots, slotsPlace } = await import('../lock/slots.ts')
      return oneOfSlots(name, slotsPlace(list, isOwnKey ? undefined : key), slots)
    })
    return { key: list, behavior, compound }
  }
  if (shared) {
    const compound = kept(async () => (await import('../lock/readers.ts')).readersOf(name, key))
    return { key, behavior, compound }
  }
  if (also.length > 0) {
    const locks = [{ name, key }, ...otherLocks(key, also)] as const
    const compound = kept(async () => (await import('../lock/lock-set.ts')).lockSetOf(locks))
    return { key, compound }
  }
  const amongHolders: LockSpec['amongHolders'] = async (...met) =>
    (await import('../lock/writer.ts')).writerAmong(...met)
  return { key, amongHolders, handsOn: true }
}

/** The keys of the locks that are named, whatever is contended for below them: by these they are paused. */
function namedKeys(name: string, { key, also }: LockChoice): [string, ...string[]] {
  return [key ?? keyOfName(name), ...also.map(keyOfName)]
}

/** One compound lock for all sessions that a run needs until it has won: it remembers what all have agreed on. */
function kept(load: () => Promise<CompoundLockOf>): CompoundLockOf {
  let made: Promise<CompoundLockOf> | undefined
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
