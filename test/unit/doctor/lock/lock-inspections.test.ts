import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../src/consul/kv.ts'
import type { ExaminedLock } from '../../../../src/doctor/examined-system.ts'
import {
  judgeDelay,
  judgeHolder,
  judgePauses,
  judgeQueue,
  judgeSlots,
  judgeStanding,
} from '../../../../src/doctor/lock/lock-inspections.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS } from '../../../../src/lock/lock-keys.ts'
import { LOCK, SLOTS } from '../examined-locks.ts'

const NOW = Date.parse('2026-11-29T12:00:00Z')
const SESSION = '9ab98b35-3735-4010-a43b-bfe24e300793'
const READER: ExaminedLock = { ...LOCK, isShared: true }

function entry(about: Partial<Entry> = {}): Entry {
  const indexes = { lockIndex: 0, createIndex: 5, modifyIndex: 5 }
  return { key: LOCK.key, value: '', flags: 0n, session: undefined, ...indexes, ...about }
}

const HELD = entry({
  flags: LOCK_FLAGS,
  session: SESSION,
  value: JSON.stringify({
    host: 'web3',
    pid: 812,
    command: ['./x'],
    since: '2026-11-29T11:56:00Z',
    lockDelayMs: 24_000,
  }),
})
const READERS = entry({ flags: SEMAPHORE_FLAGS, value: JSON.stringify({ Readers: { [SESSION]: true } }) })
const MARKER = entry({ flags: SEMAPHORE_FLAGS, value: JSON.stringify({ Slots: 'consul-locker-backup/.lock' }) })
const LIST = entry({
  key: SLOTS.key,
  flags: SEMAPHORE_FLAGS,
  value: JSON.stringify({ Limit: 2, Holders: { [SESSION]: true } }),
})
const DATA = entry({ value: 'precious' })

describe('what stands at the key', () => {
  test.each([
    ['nothing', LOCK, undefined, undefined, 'fine'],
    ['a held lock', LOCK, HELD, undefined, 'fine'],
    ['a free lock of the Bash original', LOCK, entry({ lockIndex: 3 }), undefined, 'fine'],
    ['data', LOCK, DATA, undefined, 'failure'],
    ['readers', LOCK, READERS, undefined, 'fine'],
    ['slots of the name', LOCK, MARKER, undefined, 'failure'],
    ['another semaphore', LOCK, LIST, undefined, 'failure'],
    ['for readers, readers', READER, READERS, undefined, 'fine'],
    ['for readers, data', READER, DATA, undefined, 'failure'],
    ['for readers, a writer', READER, HELD, undefined, 'fine'],
    ['for slots, nothing', SLOTS, undefined, undefined, 'fine'],
    ['for slots, slots', SLOTS, LIST, MARKER, 'fine'],
    ['for slots, a held lock of the name', SLOTS, undefined, HELD, 'failure'],
    ['for slots, data', SLOTS, { ...DATA, key: SLOTS.key }, undefined, 'failure'],
  ])('%s', (_, lock, at, marker, mark) => {
    expect(judgeStanding(lock, { entry: at, marker }).mark).toBe(mark)
  })
})

describe('who holds it', () => {
  test.each([
    [LOCK, undefined, 'fine'],
    [LOCK, HELD, 'warning'],
    [LOCK, { ...HELD, session: undefined }, 'fine'],
    [LOCK, READERS, 'warning'],
    [READER, READERS, 'fine'],
    [READER, HELD, 'warning'],
    [SLOTS, LIST, 'fine'],
  ])('%#: %s', (lock, at, mark) => expect(judgeHolder(lock, at, NOW).mark).toBe(mark))

  test('is named', () => {
    expect(judgeHolder(LOCK, HELD, NOW).said).toBe('it is held by web3 (pid 812, ./x) for 4m')
    expect(judgeHolder(LOCK, READERS, NOW).said).toBe('1 reader has it')
  })
})

test.each([
  [false, HELD, 'fine', 'no lock-delay'],
  [true, HELD, 'warning', 'until 12:00:24Z at the latest'],
  [true, undefined, 'warning', 'until 12:01:00Z at the latest'],
])('a lock-delay, %j: %s', (isDelayed, at, mark, said) => {
  const finding = judgeDelay(isDelayed, at, NOW)
  expect([finding.mark, finding.said.includes(said)]).toEqual([mark, true])
})

test.each([
  [0, 'fine'],
  [1, 'warning'],
  [7, 'warning'],
])('a queue of %d: %s', (waiters, mark) => expect(judgeQueue('backup', waiters).mark).toBe(mark))

describe('pauses', () => {
  const pause = { until: '2026-11-29T13:00:00Z', since: '2026-11-29T11:00:00Z', by: 'root@web2', reason: 'disks' }

  test.each([
    [[], 'fine', 'not paused'],
    [[{ areAll: false, pause }], 'warning', 'it is paused until 2026-11-29T13:00:00Z (1h more) by root@web2: disks'],
    [[{ areAll: true, pause }], 'warning', 'all locks are paused'],
    [[{ areAll: false, pause: undefined }], 'warning', 'until somebody ends that'],
  ])('%j: %s', (pauses, mark, said) => {
    const finding = judgePauses('backup', pauses, NOW)
    expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
  })

  test('are ended by the words that are told', () => {
    expect(judgePauses('backup', [{ areAll: true, pause }], NOW).cure).toContain('consul-locker resume --all')
    expect(judgePauses('backup', [{ areAll: false, pause }], NOW).cure).toContain('consul-locker resume backup')
  })
})

describe('slots', () => {
  const inUse = (limit: number, living: number, closed = 0) => ({
    limit,
    living: Array.from({ length: living }, () => HELD),
    closed,
    waiting: 0,
  })

  test.each([
    [undefined, 'fine'],
    [inUse(2, 1), 'fine'],
    [inUse(2, 2), 'warning'],
    [inUse(2, 1, 1), 'warning'],
    [inUse(3, 1), 'failure'],
  ])('%#: %s', (use, mark) => expect(judgeSlots(SLOTS, use).mark).toBe(mark))
})
