import { escaped, picture, WIDTH } from './picture.ts'

const COLOURS = { runs: 'green', ends: 'orange', lives: 'blue', waits: 'grey', closed: 'grey' } as const

type Kind = keyof typeof COLOURS

/** What happens to several at a time, from left to right. */
export interface Lanes {
  readonly title: string
  /** What the kinds of stretches mean, in the order of the key. */
  readonly key: Partial<Record<Kind, string>>
  /** Times are in seconds. */
  readonly lanes: readonly {
    readonly title: string
    readonly stretches: readonly (readonly [Kind, number, number])[]
  }[]
  readonly marks: readonly { readonly at: number; readonly when?: string; readonly text: string }[]
  /** Arrows from lane to lane. */
  readonly arrows?: readonly { readonly at: number; readonly from: number; readonly to: number }[]
}

const EDGE = 20
const [LEFT, RIGHT] = [170, WIDTH - 36]
const [FIRST, LANE, BAR, THIN, LINE] = [52, 30, 18, 6, 22]
const KEY_GAP = 186

const STYLE = [
  '.letter { font-weight: 600; text-anchor: middle } .time { text-anchor: end }',
  '.mark { fill: none; stroke: var(--line); stroke-dasharray: 3 3 }',
  '.arrow { fill: none; stroke: var(--ink); stroke-width: 2 } .head { fill: var(--ink) }',
  ...Object.entries(COLOURS).map(([kind, colour]) => `.${kind} { fill: var(--${colour}) }`),
].join('\n    ')

const letter = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index)

/** The lanes as an SVG picture, with a letter for each mark and what it means below. */
export function lanesSvg({ title, key, lanes, marks, arrows = [] }: Lanes): string {
  const times = lanes.flatMap(({ stretches }) => stretches.flatMap(([, from, to]) => [from, to]))
  const [begin, end] = [Math.min(...times), Math.max(...times)]
  const x = (seconds: number) => Math.round(LEFT + ((seconds - begin) / (end - begin)) * (RIGHT - LEFT))
  const y = (lane: number) => FIRST + lane * LANE
  const bottom = y(lanes.length)
  const list = bottom + LINE * 2.5
  const elements = [
    ...marks.map(({ at }, n) => `<text class="letter" x="${x(at)}" y="34">${letter(n)}</text>`),
    ...lanes.flatMap((lane, n) => [
      `<text x="${EDGE}" y="${y(n) + BAR - 4}">${escaped(lane.title)}</text>`,
      ...lane.stretches.map(([kind, from, to]) => bar(kind, x(from), y(n), x(to) - x(from))),
    ]),
    ...marks.map(({ at }) => `<path class="mark" d="M${x(at)} 40V${bottom}"/>`),
    ...arrows.flatMap(({ at, from, to }) => arrow(x(at), y(from) + BAR, y(to))),
    ...Object.entries(key).flatMap(([kind, text], n) => [
      bar(kind as Kind, EDGE + n * KEY_GAP, bottom + 8, 14),
      `<text x="${EDGE + n * KEY_GAP + 20}" y="${bottom + 22}">${escaped(text)}</text>`,
    ]),
    ...marks.flatMap(({ when, text }, n) => listed(letter(n), when, text, list + n * LINE)),
  ]
  const told = marks.map(({ when, text }, n) => `${[letter(n), when].filter(Boolean).join(', ')}: ${text}.`).join(' ')
  return picture(title, told, STYLE, { height: list + marks.length * LINE, elements })
}

function bar(kind: Kind, x: number, y: number, width: number): string {
  const height = kind === 'waits' ? THIN : BAR
  return `<rect class="${kind}" x="${x}" y="${y + (BAR - height) / 2}" width="${width}" height="${height}"/>`
}

function arrow(x: number, from: number, to: number): string[] {
  return [
    `<path class="arrow" d="M${x} ${from}V${to - 6}"/>`,
    `<path class="head" d="M${x - 5} ${to - 8}H${x + 5}L${x} ${to}Z"/>`,
  ]
}

function listed(letter: string, when: string | undefined, text: string, y: number): string[] {
  const time = when === undefined ? [] : [`<text class="time" x="${EDGE + 74}" y="${y}">${when}</text>`]
  return [
    `<text class="letter" x="${EDGE + 6}" y="${y}">${letter}</text>`,
    ...time,
    `<text x="${EDGE + (when === undefined ? 24 : 88)}" y="${y}">${escaped(text)}</text>`,
  ]
}
