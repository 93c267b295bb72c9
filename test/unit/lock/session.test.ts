import { describe, expect, test } from 'vitest'
import { type Clock, elapsedMs } from '../../../src/base/clock.ts'
import { DEADLINE_PASSED } from '../../../src/lock/loss.ts'
import { Session } from '../../../src/lock/session.ts'
import type { WireFate } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

/** A session whose requests meet the fate that is set at that time. */
async function begun() {
  let fate: WireFate = {}
  const lock = virtualLock({ fateOf: () => fate })
  const { clock, ctx, consul, timing } = lock
  const client = consul()
  const options = { name: 'one', timing }
  const create = (mayHaveTwins = false) => clock.run(Session.create(ctx, client, options, mayHaveTwins))
  const meet = (next: WireFate) => {
    fate = next
  }
  return { ...lock, client, options, meet, create }
}

describe('the lease of a session', () => {
  test('counts from the sending of its creation, however late the answer comes', async () => {
    const { meet, create, timing } = await begun()
    meet({ outMs: 1000, backMs: 3000 })
    const session = await create()
    expect(session.leaseLeftMs()).toBe(timing.ttlMs - 4000)
    session.end()
  })

  test('counts from the sending of a renewal, however late the answer comes', async () => {
    const { clock, meet, create, timing } = await begun()
    const session = await create()
    meet({ outMs: 500, backMs: 2000 })
    await clock.advance(timing.renewMs + 2499)
    expect(session.leaseLeftMs()).toBe(timing.ttlMs - timing.renewMs - 2499)
    await clock.advance(1)
    expect(session.leaseLeftMs()).toBe(timing.ttlMs - 2500)
    session.end()
  })

  test('is as long as that of the newest renewal when an older one’s answer comes after it', async () => {
    const { clock, ctx, client, meet, create, timing } = await begun()
    const session = await create()
    meet({ backMs: 5000 })
    const slow = session.renew(ctx, client, timing.ttlMs)
    await clock.advance(2000)
    meet({})
    await clock.run(session.renew(ctx, client))
    await clock.run(slow)
    expect(session.leaseLeftMs()).toBe(timing.ttlMs - 3000)
    session.end()
  })
})

describe('the end of a lease', () => {
  /** A session on a machine that can be suspended, when its lease was found to be over, and when somebody looked. */
  async function watched() {
    const lock = await begun()
    const { clock, client, options } = lock
    const looks: number[] = []
    let suspendedMs = 0
    const now = () => ({ ...clock.now(), bootMs: clock.now().bootMs + suspendedMs })
    const suspendable: Clock = { now, since: (start) => elapsedMs(start, now()), after: clock.after.bind(clock) }
    const ctx = { ...lock.ctx, clock: suspendable }
    const session = await clock.run(Session.create(ctx, client, options, false))
    const after = (ms: number, wake: () => void) =>
      clock.after(ms, () => {
        looks.push(clock.nowMs)
        wake()
      })
    let overAt: number | undefined
    const over = session.untilOver({ ...ctx, clock: { ...suspendable, after } })
    const settled = over.then(() => {
      overAt = clock.nowMs
    })
    const suspend = (ms: number) => {
      suspendedMs += ms
    }
    return { ...lock, session, looks, suspend, settled, overAt: () => overAt }
  }

  test('is looked for once between two renewals, and found in time', async () => {
    const { clock, timing, session, looks, settled, overAt } = await watched()
    await clock.advance(24_000)
    expect(looks).toEqual([5000, 15_000])
    session.end()
    await clock.advance(20_000)
    await settled
    expect(overAt()).toBe(20_000 + timing.ttlMs)
  })

  test.each([
    ['by the next look', 1000, 5000],
    ['by the next renewal, when that comes first', 6000, 10_000],
  ])('that passed while the machine was suspended is found %s', async (_, atMs, foundMs) => {
    const { clock, timing, session, suspend, settled, overAt } = await watched()
    await clock.advance(atMs)
    suspend(timing.ttlMs)
    await clock.advance(5000)
    await settled
    expect(overAt()).toBe(foundMs)
    session.end()
  })
})

describe('who looks for the end of a lease', () => {
  test('leaves no timer when it looks no more, whatever is renewed afterwards', async () => {
    const { clock, ctx, client, create } = await begun()
    const session = await create()
    const stop = new AbortController()
    const before = clock.pending
    const over = session.untilOver({ ...ctx, signal: stop.signal })
    await clock.advance(1000)
    expect(clock.pending).toBe(before + 1)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(over).rejects.toBe(reason)
    expect(clock.pending).toBe(before)
    await clock.run(session.renew(ctx, client))
    expect(clock.pending).toBe(before)
    session.end()
  })

  test('leaves none when it has found it', async () => {
    const { clock, ctx, create, timing } = await begun()
    const session = await create()
    session.end()
    const before = clock.pending
    const over = session.untilOver(ctx)
    await clock.advance(timing.ttlMs)
    await over
    expect(clock.pending).toBe(before)
  })
})

test('what is left of the grace of a command counts from the last renewal', async () => {
  const { clock, ctx, client, create, timing } = await begun()
  const session = await create()
  session.end()
  await clock.advance(3000)
  await clock.run(session.renew(ctx, client))
  await clock.advance(timing.ttlMs)
  expect(session.graceLeftMs(DEADLINE_PASSED)).toBe(timing.graceMs)
  await clock.advance(1000)
  expect(session.graceLeftMs(DEADLINE_PASSED)).toBe(timing.graceMs - 1000)
})

/** A session, and the instants (in milliseconds from its creation) at which renewals were sent. */
async function renewing() {
  const sent: number[] = []
  let fate: WireFate = {}
  const lock = virtualLock({
    fateOf: ({ path }) => {
      if (path.startsWith('/v1/session/renew')) sent.push(lock.clock.nowMs)
      return fate
    },
  })
  const { clock, ctx, consul, timing } = lock
  const session = await clock.run(Session.create(ctx, consul(), { name: 'one', timing }, false))
  const meet = (next: WireFate) => {
    fate = next
  }
  return { ...lock, session, sent, meet }
}

describe('a session', () => {
  test('is renewed in time, again and again, until it is ended', async () => {
    const { clock, session, sent } = await renewing()
    let heard = 0
    session.onRenewed(() => {
      heard += 1
    })
    await clock.advance(35_000)
    expect(sent).toEqual([10_000, 20_000, 30_000])
    expect(heard).toBe(3)
    session.end()
    await clock.advance(60_000)
    expect(sent).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['its renewals alone', 0, [10_000, 20_000, 30_000]],
    ['the end of an attempt whose answer is late, and not again once that has come', 3500, [10_000, 13_000, 14_000]],
  ])('wakes for %s', async (_, backMs, expected) => {
    const { clock, ctx, client, options, meet } = await begun()
    const wokenAt: number[] = []
    const after: Clock['after'] = (ms, wake) =>
      clock.after(ms, () => {
        wokenAt.push(clock.nowMs)
        wake()
      })
    const watched: Clock = { now: () => clock.now(), since: (start) => clock.since(start), after }
    const session = await clock.run(Session.create({ ...ctx, clock: watched }, client, options, false))
    meet({ backMs })
    await clock.advance(expected.at(-1) as number)
    await clock.advance(5000)
    expect(wokenAt).toEqual(expected)
    session.end()
  })

  test('is renewed a second after each attempt that fails, and then in time again', async () => {
    const { clock, session, sent, meet } = await renewing()
    meet({ fault: { kind: 'refused' } })
    await clock.advance(11_500)
    meet({})
    await clock.advance(11_000)
    expect(sent).toEqual([10_000, 11_000, 12_000, 22_000])
    session.end()
  })

  test('is renewed anew when there is no answer within the time of an attempt', async () => {
    const { clock, session, sent, meet } = await renewing()
    meet({ fault: { kind: 'black-hole' } })
    await clock.advance(13_500)
    meet({})
    await clock.advance(11_000)
    expect(sent).toEqual([10_000, 14_000, 24_000])
    session.end()
  })

  test('is not renewed anew when the answer comes between two attempts', async () => {
    const { clock, session, sent, meet } = await renewing()
    meet({ backMs: 3500 })
    await clock.advance(13_700)
    meet({})
    await clock.advance(7000)
    expect(sent).toEqual([10_000, 20_000])
    session.end()
  })

  test('is renewed so long after a renewal of somebody else as after its own', async () => {
    const { clock, ctx, consul, session, sent } = await renewing()
    await clock.advance(9000)
    await clock.run(session.renew(ctx, consul()))
    await clock.advance(25_000)
    expect(sent).toEqual([9000, 19_000, 29_000])
    session.end()
  })

  test('is gone, and no more renewed, when Consul does not know it', async () => {
    const { clock, session, sent, operator } = await renewing()
    operator.destroySession(session.id)
    await clock.advance(60_000)
    expect(session.gone.aborted).toBe(true)
    expect(sent).toEqual([10_000])
  })

  test.each([
    ['that may have twins is destroyed with them', true, 0],
    ['that has none is destroyed alone', false, 1],
  ])('%s', async (_, mayHaveTwins, left) => {
    const { clock, ctx, client, operator, create } = await begun()
    const twin = await create()
    const session = await create(mayHaveTwins)
    for (const one of [twin, session]) one.end()
    await clock.run(session.destroy(ctx, client))
    expect(operator.sessions()).toHaveLength(left)
  })

  test('that is adopted lives by the time of its creation, and is destroyed with its twins', async () => {
    const { clock, ctx, client, options, timing, operator, create } = await begun()
    const createdAt = clock.now()
    const [created, twin] = [await create(), await create()]
    for (const one of [created, twin]) one.end()
    await clock.advance(4000)
    const adopted = Session.adopt(ctx, client, options, created.id, createdAt)
    expect(adopted.leaseLeftMs()).toBe(timing.ttlMs - 4000)
    adopted.end()
    await clock.run(adopted.destroy(ctx, client))
    expect(operator.sessions()).toEqual([])
  })
})
