import { expect, test } from 'vitest'
import { EXIT_CODES_TEXT } from '../../../src/cli/exit-codes.ts'

test('what the codes mean stands in one column of the help', () => {
  const lines = EXIT_CODES_TEXT.split('\n').filter((line) => /^ {2}\d/.test(line))
  const columns = lines.map((line) => /^ {2}\S+ +/.exec(line)?.[0].length)
  expect(lines.length).toBeGreaterThan(10)
  expect(new Set(columns)).toEqual(new Set([8]))
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})
