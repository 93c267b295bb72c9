import { columnsOf, fitted, padded } from '../../base/columns.ts'
import { formatDuration } from '../../base/duration.ts'
import { printable } from '../../base/printable.ts'
import { describeEnd } from '../../run/history/describe-run.ts'
import { hasEnded, isSuccess, type RunEntry } from '../../run/history/runs-record.ts'
import { COLUMNS } from './table.ts'

/** A host's long name leaves room for the bars. */
const LONGEST_HOST = 16
const LONGEST_END = 18
/** Shorter bars tell nothing. */
const SHORTEST_BAR = 8
const GAP = '  '
const HEAD = ['STARTED (UTC)', 'HOST', 'RAN', 'END'] as const
/** The first that has room is the head of the bars. */
const LEGENDS = ['o ok, F failed, L lost, r runs, ? unknown', 'o ok, F failed, L lost', '']

/** How a run went, in a letter, so that a bar tells it without a colour. */
type Mark = 'o' | 'F' | 'L' | 'r' | '?'

const COLOURS: Readonly<Record<Mark, string>> = { o: '32', F: '31', L: '35', r: '36', '?': '33' }

interface Bar {
  readonly cells: readonly [started: string, host: string, ran: string, end: string]
  readonly mark: Mark
  /** `undefined` when nobody knows for how long it ran. */
  readonly ranMs: number | undefined
}

/**
 * The last runs, a line with a bar for each, in 80 columns. The bars are as long as the runs were, and not where these
 * were in time: jobs of a minute once a day would be dots, and that last night's took three times as long is what one
 * looks for. `nowMs` tells for how long those that go on have run by now.
 */
export function runBars(
  ended: readonly RunEntry[],
  running: readonly RunEntry[],
  nowMs: number,
  isColoured: boolean,
): string[] {
  const bars = [...ended.map(endedBar), ...running.map((run) => runningBar(run, nowMs))]
  if (bars.length === 0) return []
  const widths = HEAD.map((head, n) => Math.max(head.length, ...bars.map(({ cells }) => columnsOf(cells[n] ?? ''))))
  const taken = widths.reduce((sum, width) => sum + width + GAP.length, 0)
  const room = Math.max(SHORTEST_BAR, COLUMNS - taken)
  const longestMs = Math.max(...bars.map(({ ranMs = 0 }) => ranMs))
  const row = (cells: readonly string[]) => cells.map((cell, n) => padded(cell, widths[n] ?? 0) + GAP).join('')
  const lines = bars.map(({ cells, mark, ranMs }) => {
    const bar = barOf(mark, ranMs, longestMs, room)
    return row(cells) + (isColoured ? `\x1b[${COLOURS[mark]}m${bar}\x1b[0m` : bar)
  })
  const legend = LEGENDS.find((text) => text.length <= room) ?? ''
  return [`${row(HEAD)}${legend}`.trimEnd(), ...lines]
}

function endedBar(run: RunEntry): Bar {
  const { lost, ranMs } = run
  const mark: Mark = !hasEnded(run) ? '?' : lost !== undefined ? 'L' : isSuccess(run) ? 'o' : 'F'
  return { cells: cellsOf(run, ranMs, mark === 'o' ? 'ok' : describeEnd(run)), mark, ranMs }
}

/** By a clock that is ahead of ours it has not yet begun. */
function runningBar(run: RunEntry, nowMs: number): Bar {
  const ranMs = Math.max(0, nowMs - Date.parse(run.start))
  return { cells: cellsOf(run, ranMs, 'runs'), mark: 'r', ranMs }
}

function cellsOf({ start, host }: RunEntry, ranMs: number | undefined, end: string): Bar['cells'] {
  return [
    new Date(start).toISOString().slice(0, 19).replace('T', ' '),
    fitted(printable(host), LONGEST_HOST),
    ranMs === undefined ? '-' : formatDuration(ranMs),
    fitted(printable(end), LONGEST_END),
  ]
}

/** However short it was, its letter is there; one that goes on has no end yet. */
function barOf(mark: Mark, ranMs: number | undefined, longestMs: number, room: number): string {
  if (ranMs === undefined) return mark
  const length = longestMs === 0 ? 1 : Math.max(1, Math.round((ranMs / longestMs) * room))
  const bar = mark.padEnd(length, '=')
  return mark === 'r' && length > 1 ? `${bar.slice(0, -1)}>` : bar
}
