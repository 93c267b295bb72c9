import { expect, test } from 'vitest'
import { judgeLeaving } from '../../../../src/doctor/node/node-inspections.ts'

test.each([
  [true, 'warning'],
  [false, 'fine'],
  [undefined, 'warning'],
])('leave_on_terminate %j: %s', (leavesOnTerminate, mark) => {
  expect(judgeLeaving({ leavesOnTerminate }).mark).toBe(mark)
})
