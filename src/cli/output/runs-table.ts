import { formatDuration } from '../../base/duration.ts'
import { describeEnd } from '../../run/history/describe-run.ts'
import type { RunEntry } from '../../run/history/runs-record.ts'
import { tableLines } from './table.ts'

/** A host's long name leaves room for the command. */
const LONGEST_HOST = 20
const COLUMNS = [
  { head: 'STARTED' },
  { head: 'HOST', atMost: LONGEST_HOST },
  { head: 'WAITED' },
  { head: 'RAN' },
  { head: 'END', atLeast: 8 },
  { head: 'COMMAND', atLeast: 8 },
]

/** One line for each run; `nowMs` tells for how long one runs by now. */
export function runLines(
  ended: readonly RunEntry[],
  running: RunEntry | undefined,
  nowMs: number,
  width?: number,
): string[] {
  const rows = ended.map((run) => row(run, describeEnd(run)))
  if (running) rows.push(row({ ...running, ranMs: Math.max(0, nowMs - Date.parse(running.start)) }, 'runs'))
  return tableLines(COLUMNS, rows, width)
}

function row({ start, host, waitedMs, ranMs, command }: RunEntry, end: string): string[] {
  return [`${new Date(start).toISOString().slice(0, 19)}Z`, host, duration(waitedMs), duration(ranMs), end, command]
}

function duration(ms: number | undefined): string {
  return ms === undefined ? '-' : formatDuration(ms)
}
