import type { Entry } from '../consul/kv.ts'
import { knownIn } from '../run/history/known-runs.ts'
import type { LockParts } from './lock-parts.ts'
import type { LockRuns } from './lock-view.ts'

/** The runs that a lock's history tells of; `entry` is what stands at the lock's key. */
export function lockRuns(
  lockKey: string,
  entry: Entry | undefined,
  runs: LockParts['runs'],
  areAll: boolean,
): LockRuns {
  if (runs === 'unreadable') return runs
  const { ended, success, failure } = knownIn(lockKey, entry, runs ?? { runs: [] })
  const last = ended.at(-1)
  const lost = ended.findLast(({ lost }) => lost !== undefined) ?? runs?.lost
  return {
    ...(last && { last }),
    ...(success && { success }),
    ...(failure && { failure }),
    ...(lost && { lost }),
    ...(areAll && { ended }),
  }
}
