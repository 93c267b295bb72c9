import { describe, expect, test } from 'vitest'
import { keysOfRun } from '../../../../src/doctor/lock/lock-answers.ts'
import { LOCK, SLOTS } from '../examined-locks.ts'

describe('rights', () => {
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
