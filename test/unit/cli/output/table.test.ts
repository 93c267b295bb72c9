import { describe, expect, test } from 'vitest'
import { columnsOf } from '../../../../src/base/columns.ts'
import { tableLines } from '../../../../src/cli/output/table.ts'

const COLUMNS = [{ head: 'NAME', atLeast: 8 }, { head: 'N' }, { head: 'TEXT', atLeast: 6 }]

describe('a table', () => {
  test('is as narrow as its cells', () => {
    expect(tableLines(COLUMNS, [['a', '1', 'b']])).toEqual(['NAME  N  TEXT', 'a     1  b'])
  })

  test('cuts the widest of what may be cut until it fits', () => {
    const [, line = ''] = tableLines(COLUMNS, [['n'.repeat(30), '12345', 't'.repeat(12)]], 40)
    expect(line).toBe(`${'n'.repeat(18)}…  12345  ${'t'.repeat(12)}`)
  })

  test('is no wider than it may be, whatever stands in it', () => {
    const cells = ['主機', '👩‍👩‍👧', 'e\u0301', '\u001b[31m', 'x'.repeat(200)]
    for (const one of cells)
      for (const other of cells)
        for (const width of [10, 24, 80])
          for (const line of tableLines(COLUMNS, [[one.repeat(20), '1', other.repeat(20)]], width))
            expect(columnsOf(line)).toBeLessThanOrEqual(width)
  })

  test('cuts a cell that is no wider than it may be, and nothing where lines may be of any width', () => {
    const columns = [{ head: 'NAME', atMost: 8 }, { head: 'TEXT' }]
    const row = ['n'.repeat(30), 't'.repeat(90)]
    expect(tableLines(columns, [row], 200)[1]).toBe(`${'n'.repeat(7)}…  ${'t'.repeat(90)}`)
    expect(tableLines(columns, [row], Number.POSITIVE_INFINITY)[1]).toBe(row.join('  '))
    expect(tableLines(columns, [row], 40)[1]).toHaveLength(40)
    expect(tableLines(columns, [row], 40)[1]).toMatch(/…$/)
  })

  test('has cells in other letters stand below their heads', () => {
    expect(
      tableLines(COLUMNS, [
        ['主機', '1', 'x'],
        ['ab', '2', 'y'],
      ]),
    ).toEqual(['NAME  N  TEXT', '主機  1  x', 'ab    2  y'])
  })
})
