import { printable } from '../../../base/printable.ts'
import { instant } from '../../../lock/pause.ts'
import { conditionOf, type LocksView, type LockView } from '../../../overview/lock-view.ts'
import { endMsOf } from '../../../run/history/describe-run.ts'
import { endText, lockProcessText, stateText } from './lock-cells.ts'
import { lockJson } from './locks-json.ts'

/** What has changed from one reading to the next, in a line for each lock; at first, all that are not just free. */
export class ChangeLines {
  readonly #isJson: boolean
  #before: ReadonlyMap<string, string> | undefined
  #paused: string | undefined

  constructor(isJson: boolean) {
    this.#isJson = isJson
  }

  of(view: LocksView): string[] {
    const lines: string[] = []
    const at = new Date(view.atMs).toISOString()
    const isPaused = view.pause !== undefined
    const now = new Map<string, string>()
    for (const lock of view.locks) {
      const told = this.#isJson ? JSON.stringify(lockJson(lock, isPaused)) : sentence(lock, isPaused)
      now.set(lock.key, told)
      if (this.#isNews(lock.key, told, conditionOf(lock, isPaused) === 'free'))
        lines.push(this.#line(at, lock.name, told))
    }
    for (const key of this.#before?.keys() ?? []) if (!now.has(key)) lines.push(this.#gone(at, key))
    this.#before = now
    return [...this.#pauseLines(view, at), ...lines]
  }

  #isNews(key: string, told: string, isFree: boolean): boolean {
    if (this.#before) return this.#before.get(key) !== told
    return this.#isJson || !isFree
  }

  #line(at: string, name: string, told: string): string {
    return this.#isJson ? `{"at":"${at}",${told.slice(1)}` : `${second(at)} ${printable(name)}: ${printable(told)}`
  }

  #gone(at: string, key: string): string {
    return this.#isJson ? JSON.stringify({ at, key, state: 'free' }) : `${second(at)} ${printable(key)} is free`
  }

  #pauseLines({ pause }: LocksView, at: string): string[] {
    const told = pause && (pause.pause?.until ?? 'somebody ends that')
    if (told === this.#paused || this.#isJson) return []
    this.#paused = told
    return [
      `${second(at)} ${told === undefined ? 'no pause of all locks is on' : `all locks are paused until ${told}`}`,
    ]
  }
}

function second(at: string): string {
  return instant(at)
}

/** How a lock is, without anything that changes by the clock alone. */
function sentence(lock: LockView, isAllPaused: boolean): string {
  const { holders, waiters, runs, left } = lock
  const [holder] = holders
  const parts = [stateText(lock, isAllPaused)]
  if (holder) parts[0] += ` by ${lockProcessText(holder)}${holders.length > 1 ? ` and ${holders.length - 1} more` : ''}`
  else if (left) parts.push(`${left.host ?? 'its last holder'} never gave it back`)
  if (waiters.length > 0) parts.push(`${waiters.length} ${waiters.length === 1 ? 'waits' : 'wait'}`)
  if (holder && lock.pause) parts.push('paused')
  if (!holder && runs !== 'unreadable' && runs.last) {
    parts.push(
      `last run ${endText(runs.last)} on ${runs.last.host} at ${instant(new Date(endMsOf(runs.last)).toISOString())}`,
    )
  }
  return parts.join(', ')
}
