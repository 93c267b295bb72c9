import { expect, test } from 'vitest'
import { shellStatus } from '../../../src/child/exit-status.ts'

test('a shell’s status is the code, or tells the signal', () => {
  expect(shellStatus({ code: 0 })).toBe(0)
  expect(shellStatus({ code: 7 })).toBe(7)
  expect(shellStatus({ signal: 'SIGTERM' })).toBe(143)
})
