import { table } from '../stage/markdown.ts'
import { estimateText, goalText } from './estimate.ts'
import type { Row, Unit } from './row.ts'
import { TOOLS, type ToolName } from './tool.ts'

const HEAD = ['', ...TOOLS.map((name) => (name === 'consul lock' ? '`consul lock`' : name)), 'ratio ¹', 'goal'] as const

/** The rows as a Markdown table. */
export function comparisonTable(rows: readonly Row[]): string {
  return table([HEAD, ...rows.map(cellsOf)], [0, HEAD.length - 1])
}

function cellsOf(row: Row): string[] {
  const figures = TOOLS.map((tool: ToolName) => textOf(row.figures[tool].value, row.unit))
  return [row.what, ...figures, estimateText(row.ratio, (ratio) => ratio.toFixed(2)), goalOf(row)]
}

function goalOf({ goal, ratio, ours }: Row): string {
  if (!goal) return ''
  return 'ratio' in goal
    ? goalText(ratio, goal.ratio, goal.ratio.toFixed(2))
    : goalText(ours, goal.value, `${goal.value}`)
}

export function textOf(value: number, unit: Unit): string {
  if (unit === 'MB' || unit === 'kB') return `${value.toFixed(1)} ${unit}`
  if (unit === 'count') return value.toFixed(1)
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`
}
