import { gauge, type Metric } from '../base/prometheus.ts'
import { endMsOf } from '../run/history/describe-run.ts'
import { labelledLocks } from './labelled-locks.ts'
import { conditionOf, LOCK_CONDITIONS, type LockProcess, type LocksView, type LockView } from './lock-view.ts'

const PREFIX = 'consul_locker'

/** What is told of each lock by its name: a number, if it has one. */
const PER_LOCK: readonly (readonly [name: string, help: string, numberOf: (lock: LockView) => number | undefined])[] = [
  ['holders', 'How many hold the lock', ({ holders }) => holders.length],
  ['limit', 'How many may hold it at a time: its slots, or 1; +Inf while readers do', ({ limit }) => limit],
  ['waiters', 'How many wait for it', ({ waiters }) => waiters.length],
  [
    'held_since_timestamp_seconds',
    'Since when it is held, by who has held it the longest',
    ({ holders }) => firstSinceS(holders),
  ],
  [
    'waited_for_since_timestamp_seconds',
    'Since when it is waited for, by who has waited the longest',
    ({ waiters }) => firstSinceS(waiters),
  ],
  ['closed', 'Whether the lock-delay of a holder that died keeps it closed', ({ closure }) => Number(!!closure)],
  ['left', 'Whether its last holder never gave it back', ({ left }) => Number(!!left)],
  ['paused', 'Whether it is paused, by a pause of its own', ({ pause }) => Number(!!pause)],
  [
    'unreadable',
    'Whether what stands there is no lock, or no history of one',
    ({ trouble, runs }) => Number(trouble !== undefined || runs === 'unreadable'),
  ],
  ['last_success_timestamp_seconds', 'When the last run that succeeded ended', (lock) => endS(lock, 'success')],
  ['last_failure_timestamp_seconds', 'When the last run that failed ended', (lock) => endS(lock, 'failure')],
  [
    'last_lost_timestamp_seconds',
    'When the last run ended that is known to have lost it',
    (lock) => endS(lock, 'lost'),
  ],
]

/** Locks for Prometheus, `most` of them by name at most. */
export function lockMetrics({ locks, pause }: LocksView, most: number): Metric[] {
  const isPaused = pause !== undefined
  const labelled = labelledLocks(locks, most)
  const conditions = Map.groupBy(locks, (lock) => conditionOf(lock, isPaused))
  const one = (name: string, help: string, value: number) => gauge(`${PREFIX}_${name}`, help, [{ value }])
  return [
    gauge(
      `${PREFIX}_locks`,
      'How many locks are in a condition',
      LOCK_CONDITIONS.map((condition) => ({ labels: { condition }, value: conditions.get(condition)?.length ?? 0 })),
    ),
    one(
      'holders',
      'How many hold locks, all in all',
      sum(locks, ({ holders }) => holders.length),
    ),
    one(
      'waiters',
      'How many wait for locks, all in all',
      sum(locks, ({ waiters }) => waiters.length),
    ),
    one('locks_omitted', 'How many locks have no series of their own', locks.length - labelled.size),
    one('paused', 'Whether all locks are paused', Number(isPaused)),
    ...PER_LOCK.map(([name, help, numberOf]) => {
      const samples = [...labelled].flatMap(([lock, name]) => {
        const value = numberOf(lock)
        return value === undefined ? [] : [{ labels: { name }, value }]
      })
      return gauge(`${PREFIX}_lock_${name}`, help, samples)
    }),
  ]
}

function sum(locks: readonly LockView[], numberOf: (lock: LockView) => number): number {
  return locks.reduce((before, lock) => before + numberOf(lock), 0)
}

/** In seconds since 1970; nothing where nobody says since when. */
function firstSinceS(processes: readonly LockProcess[]): number | undefined {
  const since = processes.flatMap(({ sinceMs }) => sinceMs ?? [])
  return since.length === 0 ? undefined : Math.min(...since) / 1000
}

function endS({ runs }: LockView, which: 'success' | 'failure' | 'lost'): number | undefined {
  const run = runs === 'unreadable' ? undefined : runs[which]
  return run && endMsOf(run) / 1000
}
