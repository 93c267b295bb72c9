import { isSuccess, judgedRun, LONGEST_HISTORY, type RunEntry, type RunsRecord } from './runs-record.ts'

/** A record with its last run alone. */
export interface LastRuns extends RunsRecord {
  /** The last of the recorded runs that lost the lock. */
  readonly lost?: RunEntry
}

/**
 * What a history's value tells of the last run, the last success, failure and loss. Of ten thousand histories nobody
 * has all runs checked; so what is wrong in the others isn't seen.
 */
export function parseLastRuns(value: string): LastRuns | 'unreadable' {
  if (value === '') return { runs: [] }
  if (value.length > LONGEST_HISTORY) return 'unreadable'
  try {
    const { runs, success, failure } = JSON.parse(value) as Record<string, unknown>
    if (!Array.isArray(runs)) return 'unreadable'
    const good = (runs as RunEntry[]).findLast(isSuccess) ?? success
    const bad = (runs as RunEntry[]).findLast((run) => !isSuccess(run)) ?? failure
    const lost = (runs as RunEntry[]).findLast((run) => run.lost !== undefined)
    return {
      runs: runs.slice(-1).map(judgedRun),
      ...(good !== undefined && { success: judgedRun(good) }),
      ...(bad !== undefined && { failure: judgedRun(bad) }),
      ...(lost !== undefined && { lost: judgedRun(lost) }),
    }
  } catch {
    return 'unreadable'
  }
}
