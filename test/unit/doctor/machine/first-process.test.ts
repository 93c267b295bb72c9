import { expect, test } from 'vitest'
import { judgeFirstProcess } from '../../../../src/doctor/machine/first-process.ts'

test.each([
  [1, 'node', 0, 'warning'],
  [812, 'systemd', 0, 'fine'],
  [812, 'sleep', 2, 'warning'],
  [812, undefined, 0, 'warning'],
])('process 1 for pid %d, %j, which leaves %d: %s', (pid, name, left, mark) => {
  expect(judgeFirstProcess(pid, name, left).mark).toBe(mark)
})
