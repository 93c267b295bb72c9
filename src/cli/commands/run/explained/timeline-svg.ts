import { formatDuration } from '../../../../base/duration.ts'
import type { Explanation } from './explanation.ts'
import { STRETCH_MEANINGS, type StretchKind, spread, type TimelineLane, type TimelineMark } from './timeline-marks.ts'

const WIDTH = 760
const EDGE = 20
/** Where the scale begins and ends. */
const [LEFT, RIGHT] = [170, WIDTH - 36]
const LETTERS = 34
const LETTER_GAP = 24
const FIRST_LANE = 62
const LANE = 30
const BAR = 18
const LINE = 22
const KEY_GAP = 126

const KINDS = Object.keys(STRETCH_MEANINGS) as StretchKind[]

/** Its own paper and ink, for a page may be dark though its picture isn't asked to be. */
const STYLE = `
    svg { --paper: #ffffff; --ink: #1f2328; --line: #8c959f; --runs: #1a7f37; --ends: #bc4c00; --lives: #0969da; --closed: #afb8c1 }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #0d1117; --ink: #e6edf3; --line: #6e7681; --runs: #3fb950; --ends: #f0883e; --lives: #58a6ff; --closed: #484f58 }
    }
    text { fill: var(--ink); font: 14px system-ui, sans-serif } .letter { font-weight: 600; text-anchor: middle }
    .time { text-anchor: end } path { fill: none; stroke: var(--line); stroke-dasharray: 3 3 } .paper { fill: var(--paper) }
${KINDS.map((kind) => `    .${kind} { fill: var(--${kind}) }\n`).join('')}  `

/** From milliseconds to where they stand. */
type Scale = (ms: number) => number

/** The timeline as a picture that stands by itself, readable on light and on dark, and by a screen reader. */
export function timelineSvg({ title, marks, lanes }: Pick<Explanation, 'title' | 'marks' | 'lanes'>): string {
  const endMs = marks.at(-1)?.atMs ?? 0
  const scale: Scale = (ms) => Math.round(LEFT + (ms / endMs) * (RIGHT - LEFT))
  const lanesEnd = FIRST_LANE + lanes.length * LANE
  const keyLine = lanesEnd + LINE
  const listBegin = keyLine + LINE * 1.5
  const height = listBegin + LINE * (marks.length - 1) + EDGE
  const told = marks.map(({ letter, atMs, text }) => `${letter}, ${timeOf(atMs)}: ${text}.`).join(' ')
  const body = [
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(told)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...letters(marks, scale, lanesEnd),
    ...lanes.flatMap((lane, n) => drawnLane(lane, scale, FIRST_LANE + n * LANE)),
    ...KINDS.flatMap((kind, n) => meaning(kind, LEFT + n * KEY_GAP, keyLine)),
    ...marks.flatMap((mark, n) => listed(mark, listBegin + n * LINE)),
  ]
  const attributes = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img"`
  const lines = body.map((line) => `  ${line}\n`).join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" ${attributes} aria-labelledby="title desc">\n${lines}</svg>\n`
}

/** Each letter leads down to its time. */
function letters(marks: readonly TimelineMark[], scale: Scale, bottom: number): string[] {
  const places = spread(marks, scale, LETTER_GAP)
  return marks.flatMap(({ letter, atMs }, n) => {
    const [place = 0, at] = [places[n], scale(atMs)]
    return [
      `<text class="letter" x="${place}" y="${LETTERS}">${letter}</text>`,
      `<path d="M${place} ${LETTERS + 6}L${at} ${FIRST_LANE - 8}V${bottom}"/>`,
    ]
  })
}

function drawnLane({ title, stretches }: TimelineLane, scale: Scale, y: number): string[] {
  return [
    `<text x="${EDGE}" y="${y + BAR - 4}">${escaped(title)}</text>`,
    ...stretches.map(({ kind, fromMs, toMs }) => bar(kind, scale(fromMs), y, scale(toMs) - scale(fromMs))),
  ]
}

function meaning(kind: StretchKind, x: number, y: number): string[] {
  return [bar(kind, x, y - 11, 12, 12), `<text x="${x + 18}" y="${y}">${escaped(STRETCH_MEANINGS[kind])}</text>`]
}

function listed({ letter, atMs, text }: TimelineMark, y: number): string[] {
  return [
    `<text class="letter" x="${EDGE + 6}" y="${y}">${letter}</text>`,
    `<text class="time" x="${EDGE + 74}" y="${y}">${timeOf(atMs)}</text>`,
    `<text x="${EDGE + 88}" y="${y}">${escaped(text)}</text>`,
  ]
}

function bar(kind: StretchKind, x: number, y: number, width: number, height = BAR): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}"/>`
}

function timeOf(ms: number): string {
  return ms === 0 ? '0s' : formatDuration(ms)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
