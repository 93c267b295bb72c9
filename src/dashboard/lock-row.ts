import {
  conditionOf,
  type HolderView,
  type LockProcess,
  type LocksView,
  type LockView,
  type PauseView,
} from '../overview/lock-view.ts'
import { describeEnd } from '../run/history/describe-run.ts'
import { hasEnded, isSuccess, type RunEntry } from '../run/history/runs-record.ts'
import type { Bar, BarState, LockRow, PauseOn, Person, ShownHolder } from './scene.ts'
import { line } from './texts.ts'

/** More of them help nobody who reads a page. */
const MOST_HOLDERS = 20
const MOST_WAITERS = 50

/** All locks as pages are shown them. */
export function lockRows({ locks, pause }: Pick<LocksView, 'locks' | 'pause'>): LockRow[] {
  const bySession = new Map<string, LockView[]>()
  for (const lock of locks) {
    for (const { session } of lock.holders) bySession.set(session, [...(bySession.get(session) ?? []), lock])
  }
  const othersOf = (lock: LockView, session: string) =>
    (bySession.get(session) ?? []).filter(({ key }) => key !== lock.key).map(({ name }) => name)
  return locks.map((lock) => lockRow(lock, pause !== undefined, (session) => othersOf(lock, session)))
}

/** A lock as a page is shown it: bounded, and its texts as one line each. `othersOf` a session are its other locks. */
export function lockRow(
  lock: LockView,
  isAllPaused: boolean,
  othersOf: (session: string) => readonly string[] = () => [],
): LockRow {
  const { key, name, kind, limit, holders, waiters, closure, left, reservedFor, pause, trouble } = lock
  return {
    key,
    name: line(name),
    kind,
    state: conditionOf(lock, isAllPaused),
    ...(Number.isFinite(limit) && { limit }),
    holders: holders.slice(0, MOST_HOLDERS).map((holder) => holderOf(holder, othersOf(holder.session))),
    holding: holders.length,
    waiters: waiters.slice(0, MOST_WAITERS).map(personOf),
    waiting: waiters.length,
    ...(closure && { closedUntilMs: closure.untilMs }),
    ...(left?.host !== undefined && { left: line(left.host) }),
    ...(reservedFor !== undefined && { reservedFor: line(reservedFor) }),
    ...(pause && { pause: pauseOf(pause) }),
    bars: barsOf(lock),
    ...troubleOf(lock, trouble),
  }
}

/** A pause as a page is shown it. */
export function pauseOf({ pause }: PauseView): PauseOn {
  if (!pause) return {}
  const { until, by, reason } = pause
  return { untilMs: Date.parse(until), by: line(by), ...(reason !== undefined && { reason: line(reason) }) }
}

function troubleOf({ runs }: LockView, trouble: string | undefined): Pick<LockRow, 'trouble'> {
  const unread = runs === 'unreadable' ? "what stands at its history's key is no history" : undefined
  const text = [trouble, unread].filter((text) => text !== undefined).join('; ')
  return text === '' ? {} : { trouble: line(text) }
}

function personOf({ session, host, user, pid, command, sinceMs }: LockProcess): Person {
  return {
    session,
    ...(host !== undefined && { host: line(host) }),
    ...(user !== undefined && { user: line(user) }),
    ...(pid !== undefined && { pid }),
    ...(command && { command: line(command.join(' ')) }),
    ...(sinceMs !== undefined && { sinceMs }),
  }
}

function holderOf(holder: HolderView, others: readonly string[]): ShownHolder {
  const { fence, lockDelayMs, isKept } = holder
  return { ...personOf(holder), fence, ...(lockDelayMs !== undefined && { lockDelayMs }), isKept, others }
}

/** Those that are over, and those that run. */
function barsOf({ runs, holders }: LockView): Bar[] {
  const ended = runs === 'unreadable' ? [] : (runs.ended ?? [])
  const running = holders.slice(0, MOST_HOLDERS).flatMap((holder) => {
    const { runId, session, sinceMs } = holder
    if (sinceMs === undefined || ended.some((run) => run.runId === runId)) return []
    const { host = session.slice(0, 8), user, command } = personOf(holder)
    const about = { host, ...(user !== undefined && { user }), ...(command !== undefined && { command }) }
    return [{ id: runId ?? session, ...about, startMs: sinceMs, state: 'running' as const, how: 'running' }]
  })
  return [...ended.map(barOf), ...running].sort((one, other) => one.startMs - other.startMs)
}

function barOf(run: RunEntry): Bar {
  const { runId, host, user, command, start, ranMs, waitedMs } = run
  const startMs = Date.parse(start)
  return {
    id: runId,
    host: line(host),
    user: line(user),
    command: line(command),
    startMs,
    ...(ranMs !== undefined && { endMs: startMs + ranMs }),
    state: stateOf(run),
    how: line(describeEnd(run)),
    ...(waitedMs !== undefined && { waitedMs }),
  }
}

function stateOf(run: RunEntry): BarState {
  if (!hasEnded(run)) return 'unknown'
  if (run.lost !== undefined) return 'lost'
  return isSuccess(run) ? 'ok' : 'failed'
}
