import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from '../../../src/lock/lock-keys.ts'
import { pausesNow } from '../../../src/lock/pause-now.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const since = '2026-01-01T00:00:00Z'
const LONG = { until: '2026-01-01T02:00:00Z', since, by: 'root@web1' }
const SHORT = { until: '2026-01-01T01:00:00Z', since, by: 'root@web2' }

/** The pauses of a lock that stand there, at midnight. */
function pauses() {
  const { ctx, clock, consul, key } = virtualLock()
  const put = (at: string, value: string) => clock.run(transact(ctx, consul(), [{ verb: 'set', key: at, value }]))
  return {
    clock,
    put,
    own: pauseKeyOf(key),
    now: () => clock.run(pausesNow(ctx, consul(), key)),
  }
}

test('a lock that nobody has paused has no pause', async () => {
  const { now, put, own } = pauses()
  await put(`${own}d`, JSON.stringify(LONG))
  expect(await now()).toEqual([])
})

test('a lock has its own pause and that of all, each as long as it lasts', async () => {
  const { now, put, own, clock } = pauses()
  await put(own, JSON.stringify(SHORT))
  expect(await now()).toEqual([{ areAll: false, pause: SHORT }])
  await put(ALL_PAUSED_KEY, JSON.stringify(LONG))
  expect(await now()).toEqual([
    { areAll: true, pause: LONG },
    { areAll: false, pause: SHORT },
  ])
  await clock.advance(3_600_000)
  expect(await now()).toEqual([{ areAll: true, pause: LONG }])
})

test('a pause whose record can’t be read is one', async () => {
  const { now, put, own } = pauses()
  await put(own, 'garbage')
  expect(await now()).toEqual([{ areAll: false, pause: undefined }])
})
