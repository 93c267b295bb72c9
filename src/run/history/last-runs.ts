import { isSuccess, judgedRun, LONGEST_HISTORY, type RunEntry, type RunsRecord } from './runs-record.ts'

/**
 * What a history's value tells of the last run, the last success and the last failure. Of ten thousand histories nobody
 * has all runs checked; so what is wrong in the others isn't seen.
 */
export function parseLastRuns(value: string): RunsRecord | 'unreadable' {
  if (value === '') return { runs: [] }
  if (value.length > LONGEST_HISTORY) return 'unreadable'
  try {
    const { runs, success, failure } = JSON.parse(value) as Record<string, unknown>
    if (!Array.isArray(runs)) return 'unreadable'
    const good = (runs as RunEntry[]).findLast(isSuccess) ?? success
    const bad = (runs as RunEntry[]).findLast((run) => !isSuccess(run)) ?? failure
    return {
      runs: runs.slice(-1).map(judgedRun),
      ...(good !== undefined && { success: judgedRun(good) }),
      ...(bad !== undefined && { failure: judgedRun(bad) }),
    }
  } catch {
    return 'unreadable'
  }
}
