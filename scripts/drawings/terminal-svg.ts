import { stripVTControlCharacters } from 'node:util'
import { escaped, picture, WIDTH } from './picture.ts'

const COLOURS: Readonly<Record<string, string>> = { 33: 'yellow', 35: 'magenta', 36: 'cyan' }
/** Splits a line into text, a colour's number, text, and so on. */
const COLOURED = new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`)
const COLUMNS = 100
const [EDGE, TOP, LINE] = [20, 56, 19]

const STYLE = [
  'text { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre }',
  '.frame { fill: none; stroke: var(--line) } .dot { fill: var(--grey) } .prompt { font-weight: 600 }',
  ...Object.values(COLOURS).map((colour) => `.${colour} { fill: var(--${colour}) }`),
].join('\n    ')

interface Span {
  readonly colour: string | undefined
  readonly text: string
}

/** A terminal of 100 columns with a command and what it wrote there, as an SVG picture. */
export function terminalSvg(title: string, command: string, output: string): string {
  const rows = output.trimEnd().split('\n').flatMap(rowsOf)
  const height = TOP + rows.length * LINE + EDGE
  const elements = [
    `<rect class="frame" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...[0, 1, 2].map((n) => `<circle class="dot" cx="${EDGE + 4 + n * 18}" cy="20" r="5"/>`),
    `<text class="prompt" x="${EDGE}" y="${TOP}">$ ${escaped(command)}</text>`,
    ...rows.map((row, n) => `<text x="${EDGE}" y="${TOP + (n + 1) * LINE}">${row.map(drawn).join('')}</text>`),
  ]
  const told = stripVTControlCharacters(output.trimEnd())
  return picture(title, `$ ${command}\n${told}`, STYLE, { height, elements })
}

/** A line as a terminal breaks it, and colours it. */
function rowsOf(line: string): Span[][] {
  const rows: Span[][] = [[]]
  let [colour, column]: [string | undefined, number] = [undefined, 0]
  for (const [n, part] of line.split(COLOURED).entries()) {
    if (n % 2 === 1) {
      colour = COLOURS[part]
      continue
    }
    for (let rest = part; rest !== ''; ) {
      if (column === COLUMNS) {
        rows.push([])
        column = 0
      }
      const text = rest.slice(0, COLUMNS - column)
      rows.at(-1)?.push({ colour, text })
      column += text.length
      rest = rest.slice(text.length)
    }
  }
  return rows
}

function drawn({ colour, text }: Span): string {
  return colour === undefined ? escaped(text) : `<tspan class="${colour}">${escaped(text)}</tspan>`
}
