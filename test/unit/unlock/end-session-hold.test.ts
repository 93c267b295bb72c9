import { expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { transact } from '../../../src/consul/txn.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { oneOfSlots, slotsPlace } from '../../../src/lock/slots.ts'
import { endSessionHold } from '../../../src/unlock/end-session-hold.ts'
import { readSessionHolds } from '../../../src/unlock/read-session-holds.ts'
import { closedForMs, keeperOf, type SessionHold, sessionHoldKey } from '../../../src/unlock/session-hold.ts'
import { on, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const NO_SESSION = '00000000-0000-0000-0000-000000000000'

/** A lock that somebody holds, as somebody else is shown it. */
async function shown(about: Parameters<ReturnType<typeof virtualLock>['acquire']>[0] = {}, key?: string) {
  const lock = virtualLock(key === undefined ? {} : { key })
  const { clock, ctx, consul } = lock
  const held = won(await clock.run(lock.acquire(about)))
  const read = () =>
    clock.run(readSessionHolds(ctx, consul(), { prefixes: [], isMeant: ({ name }) => name.startsWith('virtual') }))
  const { holds } = await read()
  const hold = holds[0] as SessionHold
  const end = async (again?: readonly SessionHold[]) =>
    clock.run(endSessionHold(ctx, consul(), hold, again ?? (await read()).holds))
  return { ...lock, held, hold, end, read }
}

test('ends the session that was shown, and leaves the key, so that Consul keeps it closed', async () => {
  const { hold, end, operator, key, held, timing } = await shown()
  expect(hold).toMatchObject({ holder: { session: held.session.id, host: 'here' }, others: [] })
  expect(closedForMs(hold)).toBe(timing.lockDelayMs)
  expect(await end()).toBe('none')
  expect(operator.sessions()).toEqual([])
  expect(operator.entry(key)?.value).toBeDefined()
  held.session.end()
})

test('does nothing to a lock that was given back, nor to whoever has it then', async () => {
  const { end, clock, release, held, acquire, operator, key } = await shown()
  await clock.run(release(held))
  expect(await end()).toEqual({ now: undefined })
  const next = won(await clock.run(acquire({ sessionName: 'next' })))
  expect(await end()).toMatchObject({ now: { session: next.session.id } })
  expect(operator.holder(key)).toBe(next.session.id)
  next.session.end()
})

test('does nothing to a session that has come to hold more than was shown', async () => {
  const { end, held, clock, ctx, consul, operator, key } = await shown()
  const session = held.session.id
  const lock = { verb: 'lock', key: 'consul-locker-more', value: '', flags: 3304740253564472344n, session } as const
  await clock.run(transact(ctx, consul(), [lock]))
  expect(await end()).toEqual({ more: ['more'] })
  expect(operator.holder(key)).toBe(session)
  held.session.end()
})

test('takes the failure of an old server for what it is: somebody else has ended the session meanwhile', async () => {
  const { end, meet, operator, key, held } = await shown()
  meet((request) => {
    if (!request.path.startsWith('/v1/session/destroy')) return {}
    operator.destroySession(held.session.id)
    return { fault: { kind: 'answered', reply: strangeReply(500, 'Unknown session') } }
  })
  expect(await end()).toMatchObject({ now: { key } })
  held.session.end()
})

test('passes on the failure of a server that did nothing', async () => {
  const { end, meet, operator, key, held } = await shown()
  meet(on('/v1/session/destroy', { fault: { kind: 'answered', reply: strangeReply(500, 'No cluster leader') } }))
  await expect(end()).rejects.toBeInstanceOf(Failure)
  expect(operator.holder(key)).toBe(held.session.id)
  held.session.end()
})

test.each([
  ['slots', 'consul-locker-virtual/.lock', (key: string) => oneOfSlots('virtual', slotsPlace(key), 2)],
  ['readers', 'consul-locker-virtual', (key: string) => readersOf('virtual', key)],
] as const)('finds the key that one of several holders has: %s', async (_, key, compoundLockOf) => {
  const about = { key, compound: compoundLockOf(key), behavior: 'delete' } as const
  const { hold, end, operator, held } = await shown(about, key)
  expect(sessionHoldKey(hold)).toBe(held.key)
  expect(await end()).toBe('none')
  expect(operator.sessions()).toEqual([])
  held.session.end()
})

test.each([
  ['run', 'consul-locker backup r', { runId: 'r' }, 'consul-locker-backup'],
  ['run', 'consul-locker leader r', { runId: 'r' }, 'consul-locker-leader'],
  ['run', undefined, { runId: 'r' }, 'consul-locker-backup'],
  ['hold', 'consul-locker backup r', { runId: 'r', isKept: true }, 'consul-locker-backup'],
  ['leader', 'consul-locker leader redis r/1', { runId: 'r' }, 'site/redis'],
  ['step', 'consul-locker rollout web1 r', { runId: 'r' }, 'consul-locker-rollout/slots/host/web1/1'],
  ['step', 'consul-locker switch', { runId: 'r' }, 'consul-locker-switchover/web'],
  ['consul-lock', "Consul lock for 'x' at 'site'", {}, 'site/.lock'],
  ['consul-lock', 'Consul API Lock', {}, 'site/.lock'],
  ['bash', 'consul-lock backup', { host: 'web7' }, 'consul-locker-backup'],
  ['unknown', 'cache', {}, 'consul-locker-backup'],
  ['unknown', undefined, {}, 'consul-locker-backup'],
] as const)('is told to be a %s by the session %s', (keeper, name, about, key) => {
  const lock = { name: key, key, kind: 'lock', limit: 1, holders: [], waiters: [], runs: {} } as const
  const holder = { session: NO_SESSION, fence: 1, isKept: false, ...about }
  const session = name === undefined ? undefined : { name, node: 'web1', lockDelayMs: 15_000 }
  expect(keeperOf(lock, holder, session)).toBe(keeper)
})
