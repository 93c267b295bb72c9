import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { LOCK_FLAGS, SEMAPHORE_FLAGS } from '../../../src/lock/lock-keys.ts'
import { readersOf } from '../../../src/lock/readers.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, watchedOver, won } from '../../virtual/virtual-lock.ts'

/** One lock, its writers and its readers, and what they say. */
function library() {
  const lock = virtualLock()
  const { key, clock, consul, operator } = lock
  const said: string[] = []
  const tell = (line: string) => void said.push(line)
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: tell, warn: tell } }
  const read = (about: Partial<AcquireOptions> = {}) =>
    lock.acquire({ compound: readersOf('db', key), behavior: 'delete', ...about })
  return {
    ...lock,
    ctx,
    said,
    read,
    write: lock.acquire,
    reader: async () => won(await clock.run(read())),
    writer: async () => won(await clock.run(lock.acquire())),
    readers: () => Object.keys(JSON.parse(Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString()).Readers),
    put: (value: string, flags: bigint) => clock.run(transact(ctx, consul(), [{ verb: 'set', key, value, flags }])),
  }
}

describe('readers', () => {
  test('are as many as like, with fences that grow, and leave nothing', async () => {
    const { reader, readers, clock, release, operator, key } = library()
    const all = [await reader(), await reader(), await reader()]
    expect(readers()).toEqual(all.map(({ session }) => session.id))
    expect(operator.entry(key)).toMatchObject({ flags: SEMAPHORE_FLAGS, session: '' })
    expect(all.map(({ fence }) => fence)).toEqual(all.map(({ fence }) => fence).sort((a, b) => a - b))
    for (const held of all) await clock.run(release(held))
    expect(operator.entry(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
  })

  test('keep a writer out, who comes in when the last has gone', async () => {
    const { reader, write, clock, release, key, operator } = library()
    const [one, two] = [await reader(), await reader()]
    expect(await clock.run(write({ once: true }))).toBe('busy')
    const waiting = write()
    await clock.advance(1000)
    await clock.run(release(one))
    await clock.advance(1000)
    expect(operator.holder(key)).toBeUndefined()
    await clock.run(release(two))
    const beganMs = clock.nowMs
    const writer = won(await clock.run(waiting))
    expect(clock.nowMs).toBe(beganMs)
    expect(operator.holder(key)).toBe(writer.session.id)
    writer.session.end()
  })

  test('are told to the writer who waits for them: one of them, and how many more', async () => {
    const { reader, write, clock } = library()
    const all = [await reader(), await reader(), await reader()]
    const said: string[] = []
    const waiting = write({ onWaiting: (sentence) => void said.push(sentence) })
    await clock.advance(1000)
    expect(said).toEqual(['waiting for virtual: held by here, and by 2 more'])
    for (const { session } of all) session.end()
    void waiting
  })

  test('are kept out by a writer', async () => {
    const { read, writer, clock, release } = library()
    const held = await writer()
    expect(await clock.run(read({ once: true }))).toBe('busy')
    const waiting = [read(), read()]
    await clock.advance(1000)
    await clock.run(release(held))
    for (const reader of await clock.run(Promise.all(waiting))) won(reader).session.end()
  })

  test('who come after a writer wait behind him, and come in together', async () => {
    const { reader, read, write, clock, release } = library()
    const first = await reader()
    const order: string[] = []
    const writing = write().then((got) => {
      order.push('writer')
      return won(got)
    })
    await clock.advance(100)
    const reading = [read(), read()].map(async (one) => {
      const got = won(await one)
      order.push('reader')
      return got
    })
    await clock.advance(60_000)
    expect(order).toEqual([])
    await clock.run(release(first))
    const writer = await clock.run(writing)
    await clock.advance(60_000)
    expect(order).toEqual(['writer'])
    await clock.run(release(writer))
    for (const { session } of await clock.run(Promise.all(reading))) session.end()
    expect(order).toEqual(['writer', 'reader', 'reader'])
  })

  test('that died keep a writer out for their lock-delay, however many', async () => {
    const { reader, writer, clock, operator, timing, key } = library()
    const dead = []
    for (let n = 0; n < 20; n++) dead.push(await reader())
    for (const { session } of dead) {
      session.end()
      operator.destroySession(session.id)
    }
    const diedMs = clock.nowMs
    const next = await writer()
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    expect(operator.entry(key)).toMatchObject({ flags: LOCK_FLAGS, session: next.session.id })
    next.session.end()
  })

  test('come in beside a reader that died, without waiting', async () => {
    const { reader, clock, operator } = library()
    const dead = await reader()
    dead.session.end()
    operator.destroySession(dead.session.id)
    const next = await reader()
    expect(clock.nowMs).toBe(0)
    next.session.end()
  })

  test('wait for the lock-delay of a writer that died', async () => {
    const { reader, writer, clock, operator, timing } = library()
    const dead = await writer()
    dead.session.end()
    operator.destroySession(dead.session.id)
    const diedMs = clock.nowMs
    const next = await reader()
    expect(clock.nowMs - diedMs).toBeGreaterThanOrEqual(timing.lockDelayMs)
    next.session.end()
  })

  test('are refused where the key holds something else', async () => {
    const { read, put, clock } = library()
    await put('data', 0n)
    await expect(clock.run(read())).rejects.toMatchObject({ code: 'usage' })
    await put('{"Slots":"x/.lock"}', SEMAPHORE_FLAGS)
    await expect(clock.run(read())).rejects.toMatchObject({ code: 'usage' })
  })

  test.each([0, 1])(
    'are in the way of a writer for ever when a run around it is one of them, be it number %i',
    async (which) => {
      const { reader, write, read, clock } = library()
      const all = [await reader(), await reader()]
      const nested = { ancestors: [all[which]?.session.id ?? ''] }
      await expect(clock.run(write(nested))).rejects.toMatchObject({ code: 'usage' })
      for (const { session } of [...all, won(await clock.run(read(nested)))]) session.end()
    },
  )
})

describe('a reader', () => {
  async function watched() {
    const all = library()
    return watchedOver(all, await all.reader())
  }

  test('stays one whoever comes and goes', async () => {
    const { reader, hold, clock, release, end } = await watched()
    const other = await reader()
    await clock.advance(1000)
    await clock.run(release(other))
    await clock.advance(60_000)
    expect(hold.lost.aborted).toBe(false)
    await end()
  })

  test('has lost it when somebody locks the key without looking', async () => {
    const { hold, clock, ctx, consul, key, end } = await watched()
    const { session } = won(await clock.run((await watched()).write({ key: 'consul-locker-other' })))
    session.end()
    const other = await clock.run(transact(ctx, consul(), [{ verb: 'set', key, value: '', flags: LOCK_FLAGS }]))
    expect(other.done).toBe(true)
    await clock.advance(10)
    expect(hold.lost.reason).toMatchObject({ kind: 'key-taken' })
    await end()
  })

  test('is one again when somebody deletes the key', async () => {
    const { hold, clock, operator, key, ours, readers, end } = await watched()
    operator.deleteKey(key)
    await clock.advance(10)
    expect(hold.lost.aborted).toBe(false)
    expect(readers()).toEqual([ours.session.id])
    await end()
  })

  test('has lost it when a writer was faster', async () => {
    const { hold, clock, operator, key, ours, write, end } = await watched()
    operator.deleteKey(key)
    operator.deleteKey(ours.key)
    const writer = won(await clock.run(write()))
    await clock.advance(10)
    expect(hold.lost.aborted || operator.holder(key) === undefined).toBe(true)
    writer.session.end()
    await end()
  })
})
