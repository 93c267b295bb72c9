import { printable } from '../../../base/printable.ts'
import { wrapped } from '../../../base/wrapped-text.ts'
import type { Result } from '../../../doctor/inspection.ts'

const COLUMNS = 80
const MARKS = { fine: '✓', warning: '!', failure: '✗', untried: '-' } as const
const PLAIN_MARKS: typeof MARKS | Record<keyof typeof MARKS, string> = { ...MARKS, fine: '+', failure: 'x' }
/** Mark and code stand before what is said. */
const INDENT = 8

/** Results for a terminal: a line each, or more where they are long, and below what isn't fine what to do. */
export function reportLines(results: readonly Result[], environment: NodeJS.ProcessEnv): string[] {
  const isUnicode = speaksUnicode(environment)
  const marks = isUnicode ? MARKS : PLAIN_MARKS
  const topics = [...new Set(results.map(({ inspection }) => inspection.topic))]
  const lines = topics.flatMap((topic) => [
    topic,
    ...results.filter(({ inspection }) => inspection.topic === topic).flatMap((result) => linesOf(result, marks)),
    '',
  ])
  const text = [...lines, summary(results)]
  return isUnicode ? text : text.map(withoutUnicode)
}

function linesOf({ inspection, mark, said, cure }: Result, marks: Record<keyof typeof MARKS, string>): string[] {
  const head = `${marks[mark]} ${inspection.code} `
  const about = mark === 'untried' ? `${inspection.title}: ${said}` : said
  return [
    ...indented(about, head, INDENT),
    ...(cure === undefined ? [] : indented(cure, `${' '.repeat(INDENT)}→ `, INDENT + 2)),
  ]
}

function indented(text: string, head: string, indent: number): string[] {
  const [first = '', ...others] = wrapped(printable(text), COLUMNS - indent)
  return [`${head}${first}`, ...others.map((line) => `${' '.repeat(indent)}${line}`)]
}

/** Whether who reads us sees more than ASCII, by what setlocale(3) goes by. */
function speaksUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '')
}

function withoutUnicode(line: string): string {
  return line.replaceAll('→', '>').replaceAll('…', '...')
}

function summary(results: readonly Result[]): string {
  const count = (mark: Result['mark']) => results.filter((result) => result.mark === mark).length
  const [failures, warnings, untried] = [count('failure'), count('warning'), count('untried')]
  const breaking = failures === 0 ? 'nothing would break a run' : `${failures} would break a run`
  return [
    breaking,
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
    ...(untried > 0 ? [`${untried} not tried`] : []),
    `${count('fine')} fine`,
  ].join(', ')
}

/** The same for machines, as one JSON. */
export function reportJson(results: readonly Result[]): string {
  return JSON.stringify({
    ok: !results.some(({ mark }) => mark === 'failure'),
    checks: results.map(({ inspection, mark, said, cure }) => ({
      code: inspection.code,
      topic: inspection.topic,
      title: inspection.title,
      result: mark,
      message: said,
      ...(cure !== undefined && { cure }),
    })),
  })
}
