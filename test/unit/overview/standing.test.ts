import { expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS } from '../../../src/lock/lock-keys.ts'
import { markerValue } from '../../../src/lock/semaphore-view.ts'
import { slotsPlace } from '../../../src/lock/slots.ts'
import { type Standing, standingOf, whyNoLock } from '../../../src/overview/standing.ts'

const KEY = 'consul-locker-backup'
const LIST = `${KEY}/.lock`
const FREE: Entry = {
  ...{ key: KEY, value: '', flags: LOCK_FLAGS, session: undefined },
  ...{ lockIndex: 1, createIndex: 1, modifyIndex: 1 },
}

test.each<[string, Partial<Entry>, Standing]>([
  ['a lock of ours, or of consul lock', { lockIndex: 0 }, 'lock'],
  ['what the Bash original left', { flags: 0n, value: 'web3' }, 'lock'],
  ['a lock that somebody wrote over', { flags: 0n, lockIndex: 0, session: 's' }, 'lock'],
  ['data', { flags: 0n, lockIndex: 0, value: 'hello' }, 'data'],
  ['data that looks like readers', { flags: 0n, lockIndex: 0, value: '{"Readers":{}}' }, 'data'],
  ['what somebody flagged for another purpose', { flags: 42n, session: 's' }, 'data'],
  ['readers', { flags: SEMAPHORE_FLAGS, value: '{"Readers":{}}' }, 'readers'],
  ['the mark of slots', { flags: SEMAPHORE_FLAGS, value: markerValue(slotsPlace(LIST, KEY)) }, 'slots'],
  ['slots', { key: LIST, flags: SEMAPHORE_FLAGS, value: '{"Limit":2,"Holders":{}}' }, 'slots'],
  ['an empty list, which is none for consul lock', { key: LIST, flags: SEMAPHORE_FLAGS }, 'slots'],
  ['slots where a lock would stand', { flags: SEMAPHORE_FLAGS, value: '{"Limit":2,"Holders":{}}' }, 'list'],
  ['a list of something else', { key: LIST, flags: SEMAPHORE_FLAGS, value: '[]' }, 'list'],
])('%s is told from all else', (_, about, standing) => {
  const entry = { ...FREE, ...about }
  expect(standingOf(entry)).toBe(standing)
  expect(whyNoLock(entry) !== undefined).toBe(standing === 'data' || standing === 'list')
})
