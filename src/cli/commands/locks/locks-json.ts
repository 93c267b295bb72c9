import {
  conditionOf,
  type HolderView,
  type LockProcess,
  type LocksView,
  type LockView,
  type PauseView,
} from '../../../overview/lock-view.ts'

/** All locks for programs, as one JSON. */
export function locksJson({ locks, pause, unseen, atMs }: LocksView): string {
  return JSON.stringify({
    at: instant(atMs),
    locks: locks.map((lock) => lockJson(lock, pause !== undefined)),
    ...(pause && { paused: pauseJson(pause) }),
    unseen,
  })
}

/** One of them. Instants are ISO dates; of readers there is no limit. */
export function lockJson(lock: LockView, isAllPaused: boolean): object {
  const { name, key, kind, limit, holders, waiters, closure, left, reservedFor, pause, runs, trouble } = lock
  return {
    ...{ name, key, kind, state: conditionOf(lock, isAllPaused) },
    ...(Number.isFinite(limit) && { limit }),
    holders: holders.map(holderJson),
    waiters: waiters.map((waiter) => ({ ...processJson(waiter), ...(waiter.isForMore && { also: true }) })),
    ...(closure && { closed: closure.places, closedUntil: instant(closure.untilMs) }),
    ...(left && { left }),
    ...(reservedFor !== undefined && { reservedFor }),
    ...(pause && { paused: pauseJson(pause) }),
    ...(runs === 'unreadable'
      ? { history: runs }
      : { lastRun: runs.last, lastSuccess: runs.success, lastFailure: runs.failure }),
    ...(trouble !== undefined && { trouble }),
  }
}

function holderJson({ runId, lockDelayMs: _, fence, isKept, ...rest }: HolderView): object {
  return { ...processJson(rest), runId, fence, ...(isKept && { kept: true }) }
}

function processJson({ sinceMs, session, host, user, pid, command }: LockProcess): object {
  return { host, user, pid, command, ...(sinceMs !== undefined && { since: instant(sinceMs) }), session }
}

/** `true` is a pause whose end nobody can read. */
function pauseJson({ pause }: PauseView): object | true {
  return pause ?? true
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
