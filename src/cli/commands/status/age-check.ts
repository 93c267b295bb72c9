import { formatDuration } from '../../../base/duration.ts'
import { ago, describeEnd, endMsOf } from '../../../run/history/describe-run.ts'
import type { KnownRuns } from '../../../run/history/known-runs.ts'
import type { RunEntry } from '../../../run/history/runs-record.ts'
import { NAGIOS_EXIT } from '../../exit-codes.ts'

/** A check's result as Nagios reads it: https://nagios-plugins.org/doc/guidelines.html */
export interface NagiosResult {
  readonly exit: number
  /** The state, what is to be said, and behind a bar the performance data. */
  readonly line: string
}

/** Whether the last success under a lock is young enough. */
export function judgeAge(
  name: string,
  { success, failure, running }: Pick<KnownRuns, 'success' | 'failure' | 'running'>,
  maxAgeMs: number,
  nowMs: number,
): NagiosResult {
  const now = running ? `; it runs on ${host(running)}, started ${ago(Date.parse(running.start), nowMs)}` : ''
  const failed = failure && (!success || endMsOf(failure) > endMsOf(success)) ? failure : undefined
  const trouble = failed ? `; ${host(failed)} failed ${ago(endMsOf(failed), nowMs)} (${describeEnd(failed)})` : ''
  if (!success) return result('critical', `${name} has never succeeded${trouble}${now}`, '')
  const ageMs = Math.max(0, nowMs - endMsOf(success))
  const took = success.ranMs === undefined ? '' : `, took ${formatDuration(success.ranMs)}`
  const data = `age=${seconds(ageMs)}s;;${seconds(maxAgeMs)};0 took=${seconds(success.ranMs ?? 0)}s;;;0`
  const said = `${name} succeeded ${ago(endMsOf(success), nowMs)} on ${host(success)}${took}${trouble}${now}`
  return result(ageMs <= maxAgeMs ? 'ok' : 'critical', said, ` | ${data}`)
}

function result(state: 'ok' | 'critical', said: string, data: string): NagiosResult {
  return { exit: NAGIOS_EXIT[state], line: `${state.toUpperCase()}: ${said.replaceAll('|', '/')}${data}` }
}

function host({ host }: RunEntry): string {
  return host
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}
