import { isatty } from 'node:tty'
import { columnsOf, fitted, padded } from '../../base/columns.ts'
import { printable } from '../../base/printable.ts'

/** As wide as a line is where nobody says otherwise. */
export const COLUMNS = 80
const GAP = '  '

/** How wide a line of standard output may be: whoever reads a file or a pipe looks for whole words. */
export function outputWidth(): number {
  return isatty(1) ? COLUMNS : Number.POSITIVE_INFINITY
}

/** A column of a table. */
export interface Column {
  readonly head: string
  /** When lines are too long, its cells are cut, to so many columns at least. */
  readonly atLeast?: number
  /** Where lines may be too long, its cells are cut to so many columns. */
  readonly atMost?: number
  /** It is so wide though no cell is. */
  readonly reserved?: number
}

/**
 * A table for people, none of whose lines is longer than `width`, by default that of standard output; cells are made
 * printable.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = outputWidth(),
): [string, ...string[]] {
  const isBounded = Number.isFinite(width)
  const mostOf = (n: number) => (isBounded ? columns[n]?.atMost : undefined) ?? Number.POSITIVE_INFINITY
  const cells = rows.map((row) => row.map((cell, n) => fitted(printable(cell), mostOf(n))))
  const heads = columns.map(({ head }) => head)
  const widths = columns.map(({ head, reserved = 0 }, n) =>
    cells.reduce((widest, row) => Math.max(widest, columnsOf(row[n] ?? '')), Math.max(head.length, reserved)),
  )
  const wide = shrunk(columns, widths, width - GAP.length * (columns.length - 1))
  const line = (row: readonly string[]) =>
    fitted(
      row
        .map((cell, n) => padded(cell, wide[n] ?? 0))
        .join(GAP)
        .trimEnd(),
      width,
    )
  return [line(heads), ...cells.map(line)]
}

/** The widths with which all fits, as far as it may be cut: the widest gives way first. */
function shrunk(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const widths = [...natural]
  const tooMany = () => widths.reduce((sum, width) => sum + width, 0) - room
  while (tooMany() > 0) {
    const flexible = columns.flatMap(({ atLeast }, n) =>
      atLeast !== undefined && (widths[n] ?? 0) > atLeast ? [{ n, width: widths[n] ?? 0 }] : [],
    )
    if (flexible.length === 0) break
    const widest = flexible.reduce((one, other) => (other.width > one.width ? other : one))
    widths[widest.n] = widest.width - 1
  }
  return widths
}
