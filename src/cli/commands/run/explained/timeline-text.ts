import { formatDuration } from '../../../../base/duration.ts'
import { wrapped } from '../../../../base/wrapped-text.ts'
import {
  STRETCH_MEANINGS,
  type Stretch,
  type StretchKind,
  spread,
  type TimelineLane,
  type TimelineMark,
} from './timeline-marks.ts'

const COLUMNS = 80
const TITLE_COLUMNS = 20
/** The last mark has a column, too. */
const SCALE_COLUMNS = COLUMNS - TITLE_COLUMNS - 1

const INK: Record<StretchKind, string> = { runs: '#', ends: '~', lives: '=', closed: '-' }

const KEY = (Object.keys(INK) as StretchKind[]).map((kind) => `${INK[kind]} ${STRETCH_MEANINGS[kind]}`).join('   ')

/** The timeline for a terminal, in 80 columns of ASCII. */
export function timelineLines(marks: readonly TimelineMark[], lanes: readonly TimelineLane[]): string[] {
  const endMs = marks.at(-1)?.atMs ?? 0
  const scale = (ms: number) => Math.round((ms / endMs) * SCALE_COLUMNS)
  const head = Array.from({ length: SCALE_COLUMNS + 1 }, () => ' ')
  const places = spread(marks, scale, 1)
  marks.forEach(({ letter }, n) => {
    head[places[n] ?? 0] = letter
  })
  return [
    ' '.repeat(TITLE_COLUMNS) + head.join('').trimEnd(),
    ...lanes.map(({ title, stretches }) => title.padEnd(TITLE_COLUMNS) + stretches.map(drawn(scale)).join('')),
    `${' '.repeat(TITLE_COLUMNS)}${KEY}`,
    '',
    ...markLines(marks),
  ]
}

function drawn(scale: (ms: number) => number): (stretch: Stretch) => string {
  return ({ kind, fromMs, toMs }) => INK[kind].repeat(scale(toMs) - scale(fromMs))
}

function markLines(marks: readonly TimelineMark[]): string[] {
  const times = marks.map(({ atMs }) => (atMs === 0 ? '0s' : formatDuration(atMs)))
  const width = Math.max(...times.map((time) => time.length))
  return marks.flatMap(({ letter, text }, n) => {
    const left = `${letter}  ${times[n]?.padStart(width)}  `
    const [first = '', ...rest] = wrapped(text, COLUMNS - left.length)
    return [left + first, ...rest.map((line) => ' '.repeat(left.length) + line)]
  })
}
