import { fitted } from '../../../base/columns.ts'
import { printable } from '../../../base/printable.ts'
import { wrappedWhole } from '../../../base/wrapped-text.ts'
import type { HolderView, LockProcess, LocksView, LockView, WaiterView } from '../../../overview/lock-view.ts'
import { endMsOf } from '../../../run/history/describe-run.ts'
import type { RunEntry } from '../../../run/history/runs-record.ts'
import { runLines } from '../../output/runs-table.ts'
import { ageText, endText, lockProcessText, stateText } from './lock-cells.ts'
import { pauseText } from './locks-table.ts'

/** The runs under one lock, and the key that they are of. */
export interface LockHistory {
  readonly key: string
  /** Or why they can't be read. */
  readonly ended: readonly RunEntry[] | string
}

const LABEL = 10

/** All about one lock, in lines that are no wider than `columns`. */
export function pageLines(
  lock: LockView,
  { pause }: Pick<LocksView, 'pause'>,
  history: LockHistory | undefined,
  nowMs: number,
  columns: number,
): string[] {
  const { name, key, holders, waiters, runs, left, reservedFor, closure } = lock
  const about: [string, string][] = [
    ['lock', `${name}: ${stateText(lock, pause !== undefined)}`],
    ['key', key],
    ...holders.map((holder): [string, string] => ['held by', holderText(holder, nowMs)]),
    ...(closure ? [['closed', closedText(closure, nowMs)] as [string, string]] : []),
    ...(left ? [['left by', `${left.host ?? 'somebody'}, who never gave it back`] as [string, string]] : []),
    ...(reservedFor === undefined ? [] : [['kept for', reservedFor] as [string, string]]),
    ...(lock.pause ? [['paused', pauseText(lock.pause, nowMs)] as [string, string]] : []),
    ...(pause ? [['all paused', pauseText(pause, nowMs)] as [string, string]] : []),
    ...waiters.map((waiter, n): [string, string] => [n === 0 ? 'waiting' : '', waiterText(waiter, n + 1, nowMs)]),
    ...(runs === 'unreadable' ? [] : lastRuns(runs, nowMs)),
    ...(lock.trouble === undefined ? [] : [['trouble', lock.trouble] as [string, string]]),
  ]
  const facts = about.flatMap(([label, text]) => {
    const lines = wrappedWhole(printable(text), Math.max(20, columns - LABEL - 2))
    return lines.map((line, n) => `${(n === 0 ? label : '').padEnd(LABEL)}  ${line}`)
  })
  return [...facts, '', ...historyOf(lock, history, nowMs)].map((line) => fitted(line, columns))
}

function holderText(holder: HolderView, nowMs: number): string {
  const { fence, session, isKept, runId } = holder
  const kept = isKept ? ', kept by hold' : ''
  return `${withPid(holder)} for ${ageText(holder.sinceMs, nowMs)}${kept}, fence ${fence}, session ${session}${
    runId === undefined ? '' : `, run ${runId}`
  }`
}

function waiterText(waiter: WaiterView, place: number, nowMs: number): string {
  const more = waiter.isForMore ? ', for other locks, too' : ''
  return `${place}. ${withPid(waiter)} for ${ageText(waiter.sinceMs, nowMs)}${more}`
}

function withPid(process: LockProcess): string {
  return process.pid === undefined ? lockProcessText(process) : `${lockProcessText(process)} (pid ${process.pid})`
}

function closedText({ places, untilMs }: { places: number; untilMs: number }, nowMs: number): string {
  const many = places === 1 ? '' : `${places} places, `
  return `${many}for ${ageText(nowMs, Math.max(nowMs, untilMs))} more at most: its holder was cut off`
}

function lastRuns(runs: Exclude<LockView['runs'], 'unreadable'>, nowMs: number): [string, string][] {
  const told = ({ host, ...run }: RunEntry) =>
    `${ageText(endMsOf({ host, ...run }), nowMs)} ago on ${host}: ${endText({ host, ...run })}`
  return [
    ...(runs.success ? [['success', told(runs.success)] as [string, string]] : []),
    ...(runs.failure ? [['failure', told(runs.failure)] as [string, string]] : []),
  ]
}

function historyOf({ key, runs }: LockView, history: LockHistory | undefined, nowMs: number): string[] {
  if (runs === 'unreadable') return ["what stands there as its history can't be read"]
  if (history?.key !== key) return ['reading its history …']
  if (typeof history.ended === 'string') return [printable(history.ended)]
  if (history.ended.length === 0) return ['no run under it is recorded']
  return runLines([...history.ended].reverse(), undefined, nowMs)
}
