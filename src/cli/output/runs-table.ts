import { formatDuration } from '../../base/duration.ts'
import { printable } from '../../base/printable.ts'
import { describeEnd } from '../../run/history/describe-run.ts'
import type { RunEntry } from '../../run/history/runs-record.ts'

const COLUMNS = 80
/** A host's long name leaves room for the command. */
const LONGEST_HOST = 20
const HEAD = ['STARTED', 'HOST', 'WAITED', 'RAN', 'END', 'COMMAND']

/** One line for each run, in 80 columns; `nowMs` tells for how long one runs by now. */
export function runLines(ended: readonly RunEntry[], running: RunEntry | undefined, nowMs: number): string[] {
  const rows = ended.map((run) => row(run, describeEnd(run)))
  if (running) rows.push(row({ ...running, ranMs: Math.max(0, nowMs - Date.parse(running.start)) }, 'runs'))
  const table = [HEAD, ...rows]
  const widths = HEAD.map((_, column) => Math.max(...table.map((cells) => (cells[column] ?? '').length)))
  return table.map((cells) => {
    const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    return shortened(line.trimEnd(), COLUMNS)
  })
}

function row({ start, host, waitedMs, ranMs, command }: RunEntry, end: string): string[] {
  return [
    `${new Date(start).toISOString().slice(0, 19)}Z`,
    shortened(printable(host), LONGEST_HOST),
    duration(waitedMs),
    duration(ranMs),
    printable(end),
    printable(command),
  ]
}

function duration(ms: number | undefined): string {
  return ms === undefined ? '-' : formatDuration(ms)
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
