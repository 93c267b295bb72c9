import { describe, expect, test } from 'vitest'
import type { ExaminedLock } from '../../../src/doctor/examined-system.ts'
import { keysOfRun } from '../../../src/doctor/lock/lock-answers.ts'
import { judgeLeaving } from '../../../src/doctor/node/node-inspections.ts'
import { judgeNode, judgeSerfHealth, judgeSessionRight, judgeTtl } from '../../../src/doctor/node/session-trial.ts'
import {
  judgeHistoryRight,
  judgeLockRight,
  judgePauseRight,
  judgeQueueRight,
} from '../../../src/doctor/rights/lock-rights.ts'

const WELL = "Missing check 'consul-locker-doctor-1b0e' registration"

describe('what Consul says to a session that can’t be', () => {
  test.each([
    [WELL, ['fine', 'fine', 'fine', 'fine']],
    [`rpc error making call: ${WELL}`, ['fine', 'fine', 'fine', 'fine']],
    ['Permission denied', ['failure', 'fine', 'fine', 'warning']],
    ['rpc error making call: Permission denied', ['failure', 'fine', 'fine', 'warning']],
    ['Missing node registration', ['fine', 'failure', 'fine', 'fine']],
    ["Missing check 'serfHealth' registration", ['fine', 'fine', 'failure', 'fine']],
    ["Check 'serfHealth' is in critical state", ['fine', 'fine', 'failure', 'fine']],
    ["rpc error making call: Check 'serfHealth' is in critical state", ['fine', 'fine', 'failure', 'fine']],
    ["Invalid Session TTL '15000000000', must be between [30s=24h0m0s]", ['warning', 'fine', 'fine', 'failure']],
    ['something new', ['warning', 'fine', 'fine', 'warning']],
  ])('%s: %j', (words, marks) => {
    const judged = [
      judgeSessionRight(words, 'web1'),
      judgeNode(words, 'web1'),
      judgeSerfHealth(words),
      judgeTtl(words, '15s'),
    ]
    expect(judged.map(({ mark }) => mark)).toEqual(marks)
  })

  test('names node and limits', () => {
    expect(judgeSessionRight('Permission denied', 'web1').cure).toContain('session "web1" { policy = "write" }')
    expect(judgeSessionRight('Permission denied', undefined).cure).toContain('session "<node>"')
    const { said } = judgeTtl("Invalid Session TTL '1', must be between [30s=24h0m0s]", '15s')
    expect(said).toContain('between 30s and 24h0m0s')
  })
})

test.each([
  [true, 'warning'],
  [false, 'fine'],
  [undefined, 'warning'],
])('leave_on_terminate %j: %s', (leavesOnTerminate, mark) => {
  expect(judgeLeaving({ leavesOnTerminate }).mark).toBe(mark)
})

describe('rights', () => {
  const LOCK: ExaminedLock = {
    name: 'backup',
    key: 'consul-locker-backup',
    slots: undefined,
    marker: undefined,
    isShared: false,
    period: undefined,
  }
  const SLOTS = { ...LOCK, key: 'consul-locker-backup/.lock', slots: 3, marker: 'consul-locker-backup' }
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

  test.each([
    [LOCK, ['consul-locker-backup']],
    [{ ...LOCK, isShared: true }, ['consul-locker-backup', 'consul-locker-backup=shared/doctor']],
    [SLOTS, ['consul-locker-backup/.lock', 'consul-locker-backup', 'consul-locker-backup/doctor']],
    [{ ...SLOTS, key: 'foo/.lock', marker: undefined }, ['foo/.lock', 'foo/doctor']],
  ])('are tried at the keys that are written', (lock, keys) => {
    expect(keysOfRun(lock).lock.map(({ key }) => key)).toEqual(keys)
  })

  test('are tried where history and pauses stand', () => {
    expect(keysOfRun(SLOTS).history.map(({ key }) => key)).toEqual(['consul-locker-backup=runs'])
    expect(keysOfRun(SLOTS).queue[0]?.key).toBe('consul-locker-backup/.lock=queue')
    expect(keysOfRun(SLOTS).pause.map(({ key }) => key)).toEqual(['consul-locker-backup=pause', 'consul-locker=pause'])
  })
})
