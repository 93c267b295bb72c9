import { printable } from '../base/printable.ts'
import type { LockView } from './lock-view.ts'

/** Whoever may write a key chooses a lock's name, and Prometheus keeps it for months. In characters. */
const LONGEST_LABEL = 128

/**
 * Those of these locks that have series of their own, with the label of each, which nobody else has: the name, or the
 * key where two have that name. `most` at most, and always the same ones, for a series that comes and goes alarms
 * people.
 */
export function labelledLocks(locks: readonly LockView[], most: number): ReadonlyMap<LockView, string> {
  const labels = new Set<string>()
  const labelled = new Map<LockView, string>()
  for (const lock of locks) {
    if (labelled.size >= most) break
    const label = [lock.name, lock.key].map(printable).find((one) => one.length <= LONGEST_LABEL && !labels.has(one))
    if (label === undefined) continue
    labels.add(label)
    labelled.set(lock, label)
  }
  return labelled
}
