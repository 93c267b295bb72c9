import { expect, test } from 'vitest'
import { startsClosed } from '../../../../../src/leader/application/mysql/options-file.ts'

test.for([
  ['--read_only=1', true],
  ['--read-only', true],
  ['--port=3306\n--read-only=ON\n--bind-address=10.0.0.1', true],
  ['--read_only=0', false],
  ['--read_only=1\n--read-only=0', false],
  ['--read-only=OFF\n--read_only', true],
  ['--innodb_read_only=1', false],
  ['', false],
] as const)('of the options %j the last one says whether the server starts closed: %s', ([options, closed]) => {
  expect(startsClosed(options)).toBe(closed)
})
