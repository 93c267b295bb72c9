import { formatDuration } from '../../../base/duration.ts'
import { oneLine } from '../../../base/printable.ts'
import type { Entry } from '../../../consul/kv.ts'
import { describeHolder, parseHolderRecord } from '../../../lock/holder-record.ts'
import { describePause } from '../../../lock/pause.ts'
import type { PauseNow } from '../../../lock/pause-now.ts'
import { ago, describeEnd } from '../../../run/history/describe-run.ts'
import type { KnownRuns } from '../../../run/history/known-runs.ts'
import type { RunEntry } from '../../../run/history/runs-record.ts'
import type { LockInQuestion } from '../../invocation/lock-question.ts'
import type { SeveralHolders } from './several-holders.ts'

const LONGEST_HOST = 24

/** What is known of a lock. */
export interface LockStatus {
  readonly known: KnownRuns
  readonly several: SeveralHolders | 'unseen' | undefined
  readonly waiters: number
  readonly pauses: readonly PauseNow[]
}

/** It, for a terminal. */
export function statusLines({ known, several, waiters, pauses }: LockStatus, nowMs: number): string[] {
  const { entry, success, failure } = known
  return [
    ...(several ? severalLines(several, nowMs) : [holderLine(entry, nowMs)]),
    ...(waiters > 0 ? [`${waiters} ${waiters === 1 ? 'waits' : 'wait'} for it`] : []),
    ...pauses.map((pause) => pauseLine(pause, nowMs)),
    `last success: ${success ? described(success, nowMs) : 'none is recorded'}`,
    `last failure: ${failure ? `${described(failure, nowMs)}, ${describeEnd(failure)}` : 'none is recorded'}`,
  ]
}

function holderLine(entry: Entry | undefined, nowMs: number): string {
  if (entry?.session !== undefined) return describeHolder(entry.value, nowMs)
  const last = entry && parseHolderRecord(entry.value).host
  return last === undefined ? 'free' : `free; its last holder, on ${oneLine(last, LONGEST_HOST)}, never gave it back`
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
export function statusJson({ name, key }: LockInQuestion, { known, several, waiters, pauses }: LockStatus): string {
  const { entry, success, failure } = known
  const isHeld = entry?.session !== undefined
  const living = typeof several === 'object' ? several.living : []
  const paused = pauses.map(({ areAll, pause }) => ({ all: areAll, ...pause }))
  return JSON.stringify({
    name,
    key,
    held: several === 'unseen' ? null : isHeld || several !== undefined,
    ...(isHeld && { holder: holderOf(entry) }),
    ...(typeof several === 'object' && { slots: several.slots, holders: living.map(holderOf), closed: several.closed }),
    waiters,
    ...(paused.length > 0 && { paused }),
    lastSuccess: success,
    lastFailure: failure,
  })
}

function holderOf({ value, session, modifyIndex }: Entry): object {
  const { lockDelayMs: _, ...holder } = parseHolderRecord(value)
  return { ...holder, session, fence: modifyIndex }
}
