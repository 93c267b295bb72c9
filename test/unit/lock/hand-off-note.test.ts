import { describe, expect, test } from 'vitest'
// Virtual time doesn't wait for it to be loaded.
import '../../../src/consul/denial.ts'
import { readKeys } from '../../../src/consul/kv.ts'
import { createSession } from '../../../src/consul/sessions.ts'
import { transact } from '../../../src/consul/txn.ts'
import { HandOffNote, withdrawOnBehalf } from '../../../src/lock/hand-off-note.ts'
import { noteKey, placeKey } from '../../../src/lock/queue.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const SESSION = { ttlMs: 15_000, lockDelayMs: 15_000, behavior: 'release' } as const
const refused: Policy = () => ({ fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } })
const unreachable: Policy = () => ({ fault: { kind: 'refused' } })

/** Somebody who stands in line for a lock, behind others. */
async function waiting() {
  const lock = virtualLock()
  const { clock, ctx, key } = lock
  const consul = lock.consul()
  const begin = (name: string) => clock.run(createSession(ctx, consul, { ...SESSION, name }))
  const [holder, between, sessionId] = [await begin('holder'), await begin('between'), await begin('ours')]
  const hold = (session: string, ...keys: readonly string[]) =>
    clock.run(
      transact(
        ctx,
        consul,
        keys.map((key) => ({ verb: 'lock', key, value: '', session })),
      ),
    )
  const standby = new HandOffNote(consul, { key, sessionId })
  await hold(sessionId, placeKey(key, sessionId))
  return {
    ...lock,
    holder,
    between,
    sessionId,
    standby,
    hold,
    standBehind: (session: string) => clock.run(standby.standBehind(ctx, session, () => 'ours')),
    withdrawOnBehalf: () => clock.run(withdrawOnBehalf(ctx, consul, { key, sessionId })),
    place: placeKey(key, sessionId),
    note: (session: string) => noteKey(key, session),
    keys: async () => (await clock.run(readKeys(ctx, consul, key))).map((entry) => entry.key),
  }
}

describe('a note', () => {
  test('is left once, and goes along with who moves up', async () => {
    const { standBehind, standby, holder, between, note, place, keys } = await waiting()
    expect(await standBehind(between)).toBe(true)
    expect(await standBehind(between)).toBe(false)
    expect(await standBehind(holder)).toBe(true)
    expect(standby.isNoted).toBe(true)
    expect((await keys()).toSorted()).toEqual([place, note(holder)].toSorted())
  })

  test('isn’t ours where somebody else has left one', async () => {
    const { standBehind, standby, hold, holder, between, note } = await waiting()
    await hold(between, note(holder))
    expect(await standBehind(holder)).toBe(false)
    expect(standby).toMatchObject({ isNoted: false, leaving: [] })
  })

  test('is done without by who may leave none', async () => {
    const { standBehind, standby, meet, holder } = await waiting()
    meet(refused)
    expect(await standBehind(holder)).toBe(false)
    expect(standby).toMatchObject({ isNoted: false, leaving: [] })
  })

  test('fails where Consul doesn’t answer, so that it is tried again', async () => {
    const { standBehind, meet, holder } = await waiting()
    meet(unreachable)
    await expect(standBehind(holder)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('that was never left costs nothing to take away', async () => {
    const { standby, clock, ctx, requests } = await waiting()
    requests.splice(0)
    await clock.run(standby.withdraw(ctx))
    expect(requests).toEqual([])
  })
})

describe('for one that is dead', () => {
  test('its place and its note are taken away, and nobody else’s', async () => {
    const { standBehind, withdrawOnBehalf, hold, keys, between, holder, key, note } = await waiting()
    await standBehind(between)
    const others = [placeKey(key, between), note(holder)]
    await hold(between, ...others)
    await withdrawOnBehalf()
    expect((await keys()).toSorted()).toEqual(others.toSorted())
  })

  test('its place is taken away by who may not read the line', async () => {
    const { standBehind, withdrawOnBehalf, meet, keys, holder, note } = await waiting()
    await standBehind(holder)
    meet((request) => (request.path.includes('recurse') ? refused(request) : {}))
    await withdrawOnBehalf()
    meet(() => ({}))
    expect(await keys()).toEqual([note(holder)])
  })

  test('nothing is taken away before the line is read, where Consul doesn’t answer', async () => {
    const { standBehind, withdrawOnBehalf, meet, keys, holder } = await waiting()
    await standBehind(holder)
    meet((request) => (request.path.includes('recurse') ? unreachable(request) : {}))
    await expect(withdrawOnBehalf()).rejects.toMatchObject({ code: 'unreachable' })
    meet(() => ({}))
    expect(await keys()).toHaveLength(2)
  })

  test('no more is taken away than a transaction takes', async () => {
    const { withdrawOnBehalf, hold, keys, sessionId, place, note } = await waiting()
    for (const half of [0, 1]) {
      await hold(sessionId, ...Array.from({ length: 40 }, (_, n) => note(`${half}-${n}`)))
    }
    await withdrawOnBehalf()
    const left = await keys()
    expect(left).toHaveLength(30)
    expect(left).not.toContain(place)
  })
})
