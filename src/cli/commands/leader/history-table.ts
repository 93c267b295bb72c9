import { fitted } from '../../../base/columns.ts'
import { formatDuration } from '../../../base/duration.ts'
import { printable } from '../../../base/printable.ts'
import { wrapped } from '../../../base/wrapped-text.ts'
import type { RefusedSwitchover, Reign } from '../../../leader/cluster/leader-history.ts'
import { COLUMNS, outputWidth } from '../../output/table.ts'

/** A node's long name leaves room for the reason. */
const LONGEST_NAME = 24

/** Each reign, and each switchover that was refused, in 80 columns; a long reason goes on below itself. */
export function historyLines(
  events: readonly (Reign | RefusedSwitchover)[],
  nowMs: number,
  width = outputWidth(),
): string[] {
  const rows = events.map((event) => ('candidate' in event ? refusalCells(event) : reignCells(event, nowMs)))
  const table = [['SINCE', 'NODE', 'FOR', 'UNTIL'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  return table.flatMap(([since = '', node = '', duration = '', why = '']) => {
    const left = [since, node, duration].map((cell, column) => `${cell.padEnd(widths[column] ?? 0)}  `).join('')
    const [first = '', ...below] = wrapped(why, COLUMNS - left.length)
    return [left + first, ...below.map((line) => ' '.repeat(left.length) + line)].map((line) => fitted(line, width))
  })
}

function reignCells({ since, node, until, why = '', by }: Reign, nowMs: number): string[] {
  return [
    second(since),
    shortened(printable(node)),
    formatDuration(Math.max(0, (until === undefined ? nowMs : Date.parse(until)) - Date.parse(since))),
    until === undefined ? 'is master' : printable(by === undefined ? why : `${why}: ${by}`),
  ]
}

function refusalCells({ at, candidate, why, by }: RefusedSwitchover): string[] {
  return [second(at), shortened(printable(candidate)), '-', printable(`no switchover: ${why}: ${by}`)]
}

function second(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name
}
