import { formatDuration } from '../../../base/duration.ts'
import type { Failure } from '../../../base/failure.ts'
import { oneLine } from '../../../base/printable.ts'
import type { Entry } from '../../../consul/kv.ts'
import { describeHolder, heldFence, parseHolderRecord } from '../../../lock/holder-record.ts'
import { LOCK_DELAY_MAX_MS } from '../../../lock/lease-timing.ts'
import { describePause } from '../../../lock/pause.ts'
import type { PauseNow } from '../../../lock/pause-now.ts'
import type { WaiterView } from '../../../overview/lock-view.ts'
import { ago, describeEnd } from '../../../run/history/describe-run.ts'
import type { KnownRuns } from '../../../run/history/known-runs.ts'
import type { RunEntry } from '../../../run/history/runs-record.ts'
import { runIn } from '../../../run/history/unended-runs.ts'
import type { LockInQuestion } from '../../invocation/lock-named.ts'
import { runBars } from '../../output/run-bars.ts'
import type { SeveralHolders } from './several-holders.ts'

const LONGEST_HOST = 24
const LONGEST_COMMAND = 40
/** More of those who wait are only counted. */
const MOST_WAITERS = 10

/** What is known of a lock. */
export interface LockStatus {
  readonly known: KnownRuns
  /** Why its history can't be read, if that is so; who holds it is known nevertheless. */
  readonly trouble: Failure | undefined
  readonly several: SeveralHolders | 'unseen' | undefined
  /** Why what stands there is no lock, if that is so. */
  readonly noLock: string | undefined
  /** In their order. */
  readonly waiters: readonly WaiterView[]
  readonly pauses: readonly PauseNow[]
  /** Its last holder was cut off, and the lock-delay isn't over. */
  readonly isClosed: boolean
}

/** It, for a terminal. */
export function statusLines(status: LockStatus, nowMs: number): string[] {
  const { known, trouble, several, noLock, waiters, pauses, isClosed } = status
  const standing = noLock === undefined ? holderLines(known.entry, isClosed, nowMs) : [`no lock: ${noLock}`]
  return [
    ...(several ? severalLines(several, nowMs) : standing),
    ...waiterLines(waiters, nowMs),
    ...pauses.map((pause) => pauseLine(pause, nowMs)),
    ...(trouble ? [] : endLines(known, nowMs)),
  ]
}

function endLines({ success, failure }: KnownRuns, nowMs: number): string[] {
  return [
    `last success: ${success ? described(success, nowMs) : 'none is recorded'}`,
    `last failure: ${failure ? `${described(failure, nowMs)}, ${describeEnd(failure)}` : 'none is recorded'}`,
  ]
}

function holderLines(entry: Entry | undefined, isClosed: boolean, nowMs: number): string[] {
  if (entry?.session !== undefined) {
    return [describeHolder(entry.value, nowMs), `  session ${entry.session}, fence ${heldFence(entry)}`]
  }
  const { host, lockDelayMs = LOCK_DELAY_MAX_MS } = entry ? parseHolderRecord(entry.value) : {}
  const last = host === undefined ? 'its last holder' : `its last holder, on ${oneLine(host, LONGEST_HOST)},`
  if (isClosed) return [`closed for ${formatDuration(lockDelayMs)} at most: ${last} was cut off`]
  return [host === undefined ? 'free' : `free; ${last} never gave it back`]
}

/** Who waits, by host and for how long; the clocks of two machines tell that. */
function waiterLines(waiters: readonly WaiterView[], nowMs: number): string[] {
  if (waiters.length === 0) return []
  const shown = waiters.slice(0, MOST_WAITERS).map(({ host, user, command, sinceMs }) => {
    const ago = sinceMs === undefined ? '' : ` for ${formatDuration(Math.max(0, nowMs - sinceMs))}`
    const who = [user, command?.join(' ')].filter((word) => word !== undefined && word !== '')
    const about = who.length > 0 ? ` (${oneLine(who.join(' '), LONGEST_COMMAND)})` : ''
    return `  ${oneLine(host ?? 'someone who left no name', LONGEST_HOST)}${ago}${about}`
  })
  const more = waiters.length - shown.length
  return [
    `${waiters.length} ${waiters.length === 1 ? 'waits' : 'wait'} for it`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
}

/** How its last runs went, as bars. */
export function statusTimeline({ known, several }: LockStatus, nowMs: number, isColoured: boolean): string[] {
  return runBars(known.ended, runningOf({ known, several }), nowMs, isColoured)
}

function runningOf({ known, several }: Pick<LockStatus, 'known' | 'several'>): RunEntry[] {
  const own = known.running ? [known.running] : []
  const living = typeof several === 'object' ? several.living : []
  return [...own, ...living.flatMap(({ value }) => runIn(value) ?? [])]
}

function severalLines(several: SeveralHolders | 'unseen', nowMs: number): string[] {
  if (several === 'unseen') return ['it has slots, which the token may not see']
  const { slots, living, closed } = several
  const taken = living.length + closed
  return [
    slots === undefined ? `${taken} ${taken === 1 ? 'reader' : 'readers'}` : `${taken} of ${slots} slots taken`,
    ...living.map(({ value }) => describeHolder(value, nowMs)),
    ...(closed > 0 ? [`${closed} closed: the holder was cut off`] : []),
  ]
}

function pauseLine({ areAll, pause }: PauseNow, nowMs: number): string {
  const howLong = pause ? describePause(pause, nowMs) : "until somebody ends that: its record can't be read"
  return `${areAll ? 'all locks are paused' : 'paused'} ${howLong}`
}

function described({ start, host, ranMs }: RunEntry, nowMs: number): string {
  const took = ranMs === undefined ? '' : `, took ${formatDuration(ranMs)}`
  return `started ${ago(Date.parse(start), nowMs)} on ${oneLine(host, LONGEST_HOST)}${took}`
}

/** The same for machines, as one JSON. */
export function statusJson({ name, key }: LockInQuestion, status: LockStatus): string {
  const { known, trouble, several, noLock, waiters, pauses, isClosed } = status
  const { entry, ended, success, failure } = known
  const isHeld = noLock === undefined && entry?.session !== undefined
  const living = typeof several === 'object' ? several.living : []
  const paused = pauses.map(({ areAll, pause }) => ({ all: areAll, ...pause }))
  return JSON.stringify({
    name,
    key,
    held: several === 'unseen' ? null : isHeld || several !== undefined,
    ...(noLock !== undefined && { kind: 'data', trouble: noLock }),
    ...(isHeld && { holder: holderOf(entry) }),
    ...(typeof several === 'object' && { slots: several.slots, holders: living.map(holderOf), closed: several.closed }),
    ...(isClosed && { closed: 1 }),
    waiters: waiters.length,
    line: waiters.map(({ sinceMs, isForMore, ...party }) => ({
      ...party,
      ...(sinceMs !== undefined && { since: new Date(sinceMs).toISOString() }),
      ...(isForMore && { also: true }),
    })),
    ...(paused.length > 0 && { paused }),
    ...(!trouble && {
      lastSuccess: success,
      lastFailure: failure,
      runs: [...ended, ...runningOf(status).map((run) => ({ ...run, running: true }))],
    }),
  })
}

function holderOf(entry: Entry): object {
  const { lockDelayMs: _, ...holder } = parseHolderRecord(entry.value)
  return { ...holder, session: entry.session, fence: heldFence(entry) }
}
