import { table } from '../stage/markdown.ts'
import type { Goal, Row, Unit } from './row.ts'
import { TOOLS, type ToolName } from './tool.ts'

const HEAD = ['', ...TOOLS.map((name) => (name === 'consul lock' ? '`consul lock`' : name)), 'ratio ¹', 'goal'] as const

/** The rows as a Markdown table. */
export function comparisonTable(rows: readonly Row[]): string {
  return table([HEAD, ...rows.map(cellsOf)], [0, HEAD.length - 1])
}

/** How many times `consul lock`'s value ours is. */
export function ratioOf({ figures }: Row): number {
  return figures['consul-locker'].value / figures['consul lock'].value
}

/** Whether a row has reached its goal. */
export function reaches(row: Row, { ratio, value }: Goal): boolean {
  const rounded = Number(ratioOf(row).toFixed(2))
  return (
    rounded <= (ratio ?? Number.POSITIVE_INFINITY) &&
    row.figures['consul-locker'].value <= (value ?? Number.POSITIVE_INFINITY)
  )
}

function cellsOf(row: Row): string[] {
  const figures = TOOLS.map((tool: ToolName) => textOf(row.figures[tool].value, row.unit))
  const ratio = ratioOf(row)
  return [row.what, ...figures, Number.isFinite(ratio) ? ratio.toFixed(2) : '–', goalOf(row)]
}

function goalOf(row: Row): string {
  if (!row.goal) return ''
  const { ratio, value } = row.goal
  return `≤ ${ratio === undefined ? value : ratio.toFixed(2)}: ${reaches(row, row.goal) ? 'reached' : '**missed**'}`
}

export function textOf(value: number, unit: Unit): string {
  if (unit === 'MB') return `${value.toFixed(1)} MB`
  if (unit === 'count') return value.toFixed(1)
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`
}
