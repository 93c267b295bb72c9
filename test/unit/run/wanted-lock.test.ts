import { describe, expect, test } from 'vitest'
import { acquire } from '../../../src/lock/acquire.ts'
import type { Timing } from '../../../src/lock/lease-timing.ts'
import '../../../src/lock/lock-set.ts'
import { MOST_LOCKS } from '../../../src/lock/lock-keys.ts'
import '../../../src/lock/readers.ts'
import '../../../src/lock/slots.ts'
import '../../../src/lock/writer.ts'
import { type LockChoice, type RunIdentity, wantedLock } from '../../../src/run/wanted-lock.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const HOLDER = { host: 'web1', pid: 7, user: 'root', command: ['./backup'] }

type Wanted = LockChoice & { readonly timing: Partial<Timing> }

function wanted(name: string, wish: Partial<Wanted> = {}, identity: Partial<RunIdentity> = {}) {
  const { timing = {}, ...choice } = wish
  const all: LockChoice = { key: undefined, slots: undefined, shared: false, also: [], ...choice }
  return wantedLock(name, all, timing, { runId: 'one', environment: {}, holder: () => HOLDER, ...identity })
}

/** Several who want locks; each lock that is got stays theirs. */
function contenders() {
  const { clock, ctx, consul, operator } = virtualLock()
  return {
    operator,
    /** Whether the lock is got at once. */
    async gets(name: string, wish: Partial<Wanted> = {}) {
      const lock = wanted(name, wish, { runId: crypto.randomUUID() })
      const got = await clock.run(acquire(ctx, consul(), { ...lock, once: true, onSession() {} }))
      if (typeof got === 'string') return got
      got.session.end()
      return 'got'
    },
  }
}

describe('a lock that is wanted', () => {
  test('has the key of its name, and a session of its own', () => {
    expect(wanted('db')).toMatchObject({ name: 'db', key: 'consul-locker-db', sessionName: 'consul-locker db one' })
    expect(wanted('db', { key: 'site/db' })).toMatchObject({ name: 'db', key: 'site/db' })
  })

  test('knows the runs around it', () => {
    const environment = { CONSUL_LOCKER_SESSIONS: 'outer inner' }
    expect(wanted('db', {}, { environment }).ancestors).toEqual(['outer', 'inner'])
  })

  test('is recorded as who asks for it, and with what that tells beside', () => {
    const { record, timing } = wanted('db', { timing: { graceMs: 1000 } }, { more: { kept: true } })
    expect(JSON.parse(record(0))).toEqual({
      ...HOLDER,
      runId: 'one',
      since: '1970-01-01T00:00:00.000Z',
      lockDelayMs: timing.lockDelayMs,
      kept: true,
    })
    expect(timing.graceMs).toBe(1000)
  })

  test('carries on the run that left its key behind', () => {
    const { record } = wanted('db')
    const value = wanted('db', {}, { runId: 'dead' }).record(0)
    const seen = {
      key: 'consul-locker-db',
      value,
      flags: 0n,
      createIndex: 1,
      modifyIndex: 2,
      lockIndex: 1,
      session: undefined,
    }
    expect(JSON.parse(record(1000, seen))).toMatchObject({ unended: [expect.objectContaining({ runId: 'dead' })] })
  })

  test.each<[string, Partial<Wanted>, string[]]>([
    ['its name', {}, ['consul-locker-db=pause']],
    ['its own key', { key: 'site/db' }, ['site/db=pause']],
    ['the name of its slots', { slots: 2 }, ['consul-locker-db=pause']],
    ['all of its names', { also: ['web'] }, ['consul-locker-db=pause', 'consul-locker-web=pause']],
  ])('is paused by %s', (_, wish, keys) => {
    const [pause] = wanted('db', wish).riders ?? []
    const attempt = { seen: undefined, isOurs: false, nowMs: 0 }
    expect(pause?.claiming(attempt).map(({ key }) => key)).toEqual(['consul-locker=pause', ...keys])
  })

  test.each<[string, Partial<Wanted>, boolean]>([
    ['one holder', {}, false],
    ['several locks', { also: ['web'] }, false],
    ['slots', { slots: 1 }, true],
    ['readers', { shared: true }, true],
  ])('keeps a history as one of %s does', (_, wish, isShared) => {
    const lock = wanted('db', wish)
    expect(lock.history.run).toMatchObject({ lockKey: 'consul-locker-db', runId: 'one', isShared })
    expect(lock.history.run.who()).toBe(HOLDER)
    expect(lock.riders).toContain(lock.history)
  })

  test.each<[string, Partial<Wanted>, RegExp]>([
    ['a key that is none', { key: '/db' }, /^the --key "\/db" begins with a slash$/],
    [
      'slots at a key that is none of a list',
      { key: 'site/db', slots: 2 },
      /^--slots can't stand at the key site\/db$/,
    ],
    ['itself', { also: ['web', 'db'] }, /^the lock db is named twice$/],
    ['itself by its key', { key: 'consul-locker-web', also: ['web'] }, /^the lock web is named twice$/],
    ['another one twice', { also: ['web', 'cache', 'web'] }, /^the lock web is named twice$/],
    ['too many', { also: Array.from({ length: MOST_LOCKS }, (_, n) => `l${n}`) }, /^13 locks are too many.*; 12 are/],
    ['a time that is not safe', { timing: { ttlMs: 1 } }, /TTL/],
  ])('can’t be had with %s', (_, wish, why) => {
    expect(() => wanted('db', wish)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(why) }),
    )
  })

  test('can’t be had with itself, which is told with the way out', () => {
    expect(() => wanted('db', { also: ['db'] })).toThrow(expect.objectContaining({ hint: 'leave one --also out' }))
  })
})

describe('those who want', () => {
  test('a plain lock get it one at a time, and it may be handed on', async () => {
    const { gets } = contenders()
    expect([await gets('db'), await gets('db'), await gets('web')]).toEqual(['got', 'busy', 'got'])
    expect(wanted('db').handsOn).toBe(true)
  })

  test('slots get as many as there are', async () => {
    const { gets, operator } = contenders()
    const slots = { slots: 2 }
    expect([await gets('db', slots), await gets('db', slots), await gets('db', slots)]).toEqual(['got', 'got', 'busy'])
    expect(operator.entry('consul-locker-db/.lock')).toBeDefined()
  })

  test('slots are refused while the plain lock of the same name is held', async () => {
    const { gets } = contenders()
    expect(await gets('db')).toBe('got')
    await expect(gets('db', { slots: 2 })).rejects.toThrow('the key consul-locker-db is held as a plain lock')
  })

  test('slots at a key of their own mind no lock of the same name', async () => {
    const { gets, operator } = contenders()
    const own = { slots: 1, key: 'site/db/.lock' }
    expect([await gets('db'), await gets('db', own), await gets('db', own)]).toEqual(['got', 'got', 'busy'])
    expect(operator.entry('site/db/.lock')).toBeDefined()
  })

  test('to read get it together, and not beside who writes', async () => {
    const { gets } = contenders()
    const read = { shared: true }
    expect([await gets('db', read), await gets('db', read), await gets('db')]).toEqual(['got', 'got', 'busy'])
    expect([await gets('web'), await gets('web', read)]).toEqual(['got', 'busy'])
  })

  test('several locks get all of them or none', async () => {
    const { gets, operator } = contenders()
    expect(await gets('web')).toBe('got')
    expect(await gets('db', { also: ['web'] })).toBe('busy')
    expect(operator.holder('consul-locker-db')).toBeUndefined()
    expect(await gets('db', { also: ['cache'] })).toBe('got')
    expect(operator.holder('consul-locker-cache')).toBe(operator.holder('consul-locker-db'))
    const most = Array.from({ length: MOST_LOCKS - 1 }, (_, n) => `l${n}`)
    expect(await gets('first', { also: most })).toBe('got')
  })

  test.each<[string, Partial<Wanted>, 'delete' | undefined]>([
    ['slots', { slots: 2 }, 'delete'],
    ['to read', { shared: true }, 'delete'],
    ['a plain lock', {}, undefined],
    ['several locks', { also: ['web'] }, undefined],
  ])('%s leave no keys of their own behind, but locks', (_, wish, behavior) => {
    expect(wanted('db', wish).behavior).toBe(behavior)
  })
})
