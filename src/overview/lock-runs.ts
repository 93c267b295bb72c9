import type { Entry } from '../consul/kv.ts'
import { knownIn } from '../run/history/known-runs.ts'
import type { LockRuns } from './lock-view.ts'

/** The runs that a lock's history tells of; `entry` is what stands at the lock's key. */
export function lockRuns(
  lockKey: string,
  entry: Entry | undefined,
  runs: Entry | undefined,
  areAll: boolean,
): LockRuns {
  const known = knownIn(lockKey, entry, runs?.value ?? '')
  if (known === 'unreadable') return known
  const { ended, success, failure } = known
  const last = ended.at(-1)
  return {
    ...(last && { last }),
    ...(success && { success }),
    ...(failure && { failure }),
    ...(areAll && { ended }),
  }
}
