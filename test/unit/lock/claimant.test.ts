import { expect, test } from 'vitest'
// Virtual time doesn't wait for it to be loaded.
import '../../../src/lock/pause-wait.ts'
import { transact } from '../../../src/consul/txn.ts'
import { pauseKeyOf } from '../../../src/lock/lock-keys.ts'
import { PauseRider } from '../../../src/lock/pause-rider.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

test('a claim whose answer was lost › waits for no pause that began since, for the lock is ours', async () => {
  const { acquire, clock, ctx, consul, key, meet, operator } = virtualLock()
  const operators = consul()
  let isLost = false
  meet(({ body }) => {
    if (isLost) return { fault: { kind: 'refused' } }
    isLost = body?.includes('"lock"') ?? false
    return isLost ? { fault: { kind: 'cut' } } : {}
  })
  const end = acquire({ riders: [new PauseRider('virtual', key)] })
  await clock.advance(10)
  expect(operator.holder(key)).toBeDefined()
  meet(() => ({}))
  const pause = { until: '2026-01-01T01:00:00Z', since: '2026-01-01T00:00:00Z', by: 'x' }
  await clock.run(transact(ctx, operators, [{ verb: 'set', key: pauseKeyOf(key), value: JSON.stringify(pause) }]))
  const { nowMs } = clock
  won(await clock.run(end))
  expect(clock.nowMs - nowMs).toBeLessThan(60_000)
})
