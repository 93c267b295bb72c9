import { describe, expect, test } from 'vitest'
import {
  judgeHistoryRight,
  judgeLockRight,
  judgePauseRight,
  judgeQueueRight,
} from '../../../../src/doctor/rights/lock-rights.ts'
import { LOCK, SLOTS } from '../examined-locks.ts'

describe('rights', () => {
  const denied = [{ key: 'consul-locker-backup', policy: 'write' }] as const

  test.each([
    ['lock', judgeLockRight, 'failure'],
    ['queue', judgeQueueRight, 'warning'],
    ['history', judgeHistoryRight, 'warning'],
    ['pause', judgePauseRight, 'warning'],
  ] as const)('to the %s', (_, judge, mark) => {
    expect([judge([], LOCK).mark, judge(denied, LOCK).mark]).toEqual(['fine', mark])
  })

  test('to the history matter to a run with a period', () => {
    const period = { oncePerMs: 3_600_000, onSuccess: false }
    expect(judgeHistoryRight(denied, { ...LOCK, period }).mark).toBe('failure')
  })

  test('are named as policies have them, for a lock and for slots', () => {
    expect(judgeLockRight(denied, LOCK).cure).toContain('key "consul-locker-backup" { policy = "write" }')
    const cure = judgeLockRight(denied, SLOTS).cure
    for (const rule of ['key "consul-locker-backup" {', 'key_prefix "consul-locker-backup/" {'])
      expect(cure).toContain(rule)
    expect(judgeQueueRight(denied, SLOTS).cure).toContain('key_prefix "consul-locker-backup=" {')
  })
})
