import { describe, expect, test } from 'vitest'
import { FaultProxy } from '../../../scripts/provide/fault-proxy.ts'
import { acquire } from '../../../src/library/acquire-lock.ts'
import type { Held } from '../../../src/library/held.ts'
import { connect } from '../../../src/library/shared-connection.ts'
import { withLock } from '../../../src/library/with-lock.ts'
import { consul, rejection, untilAborted } from '../../integration/library/scene.ts'
import { startLocker } from '../../kit/locker.ts'
import { client, keyOf } from '../../kit/shared-consul.ts'
import { uniqueName } from '../../kit/unique.ts'

describe.concurrent('withLock', () => {
  test('aborts by the deadline when Consul falls silent, while nobody else can have the lock', async () => {
    const name = uniqueName('silent')
    await using proxy = await FaultProxy.start(consul.address)
    const lost = await rejection(
      withLock(
        name,
        async (held) => {
          proxy.begin('black-hole')
          const reason = await rejection(untilAborted(held))
          expect(await client.entry(keyOf(name))).toMatchObject({ Session: held.sessionId })
          const next = startLocker(['--no-wait', name, 'true'])
          expect((await next.ends()).code).toBe(1)
          await proxy.end()
          throw reason
        },
        { consul: { address: proxy.address }, ttl: '10s' },
      ),
    )
    expect(lost).toMatchObject({ code: 'lost', loss: 'deadline' })
  })
})

describe.concurrent('a connection that is closed', () => {
  test('has who holds a lock by it lose that by its deadline, while nobody else can have it', async () => {
    const name = uniqueName('closed')
    const lock = await (async () => {
      await using shared = connect(consul)
      return await acquire(name, { consul: shared, ttl: '10s' })
    })()
    expect(await rejection(untilAborted(lock))).toMatchObject({ code: 'lost', loss: 'deadline' })
    expect(await client.entry(keyOf(name))).toMatchObject({ Session: lock.sessionId })
    expect(await lock.release()).toBe(false)
  })
})

// Alone, for it blocks all of them.
test('withLock › finds a lease that ended while the event loop was blocked, though no timer came to tell', async () => {
  const name = uniqueName('blocked')
  const log: string[] = []
  const blocked = (held: Held) => {
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    Atomics.wait(sleeper, 0, 0, held.leaseLeftMs + 50)
    expect(held.signal.aborted).toBe(false)
    expect(held.leaseLeftMs).toBe(0)
    return 'done'
  }
  const options = { consul, ttl: '10s', log: (_: string, sentence: string) => void log.push(sentence) }
  expect(await rejection(withLock(name, blocked, options))).toMatchObject({ code: 'lost', loss: 'deadline' })
  expect(log).toContainEqual(expect.stringContaining(`the lock ${name} was lost`))
})
