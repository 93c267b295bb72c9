import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { LockWatch } from '../../../src/lock/lock-watch.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** A lock that somebody looks at from within these runs. */
function watched(...ancestors: readonly string[]) {
  const lock = virtualLock()
  const { clock, ctx, consul, key, spec } = lock
  const options = { ...spec, ancestors, once: false, onSession() {} }
  const watch = new LockWatch(consul(), options, (_, task) => task(), undefined)
  return {
    ...lock,
    watch,
    look: () => clock.run(watch.look(ctx)),
    put: (flags: bigint) => clock.run(transact(ctx, consul(), [{ verb: 'set', key, value: '', flags }])),
  }
}

test('a lock is hoped to be free until somebody is seen there', async () => {
  const { watch, look, clock, acquire, release } = watched()
  expect([watch.isFree, watch.lastSeen]).toEqual([true, undefined])
  const held = won(await clock.run(acquire()))
  expect((await look())?.session).toBe(held.session.id)
  expect([watch.isFree, watch.lastSeen?.session]).toEqual([false, held.session.id])
  await clock.run(release(held))
  expect(await look()).toBeUndefined()
  expect([watch.isFree, watch.lastSeen]).toEqual([true, undefined])
})

test('a lock is not free beside readers, who are its contenders from then on', async () => {
  const { watch, look, clock, key, acquire, release } = watched()
  const reader = won(await clock.run(acquire({ compound: readersOf('virtual', key), behavior: 'delete' })))
  expect(watch.claimable).toBeUndefined()
  expect(await look()).toMatchObject({ session: reader.session.id })
  expect(watch.claimable).toBeDefined()
  expect(watch.isFree).toBe(false)
  await clock.run(release(reader))
  await look()
  expect(watch.isFree).toBe(true)
})

test('a key that holds data is waited for by nobody, and one that is a lock may be', async () => {
  const { watch, look, put } = watched()
  await put(LOCK_FLAGS)
  const lock = await look()
  expect(lock && watch.checkHolder(lock)).toBeUndefined()
  await put(7n)
  const data = await look()
  expect(() => data && watch.checkHolder(data)).toThrow(expect.objectContaining({ code: 'usage' }))
})

test('who is held up by a run around it is told what to do instead', async () => {
  const { watch, look, clock, acquire } = watched('else', 'around')
  const { session } = won(await clock.run(acquire()))
  const entry = await look()
  if (!entry) throw new Error('nobody holds it')
  expect(watch.checkHolder(entry)).toBeUndefined()
  expect(() => watch.checkHolder({ ...entry, session: 'around' })).toThrow(
    expect.objectContaining({ code: 'usage', hint: expect.stringContaining('without a second lock') }),
  )
  session.end()
})
