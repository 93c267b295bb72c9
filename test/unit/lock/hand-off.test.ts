import { describe, expect, test } from 'vitest'
import { readKeys } from '../../../src/consul/kv.ts'
// Virtual time doesn't wait for it to be loaded.
import '../../../src/consul/denial.ts'
import { transact } from '../../../src/consul/txn.ts'
import { type AcquireOptions, type HeldLock, UNWANTED } from '../../../src/lock/acquire-options.ts'
import { PauseRider } from '../../../src/lock/pause-rider.ts'
import { release as giveBack, releaseOnBehalf } from '../../../src/lock/release.ts'
import { parseRuns } from '../../../src/run/history/runs-record.ts'
import { RunsRider } from '../../../src/run/history/runs-rider.ts'
import { unendedRuns } from '../../../src/run/history/unended-runs.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** Longer than any of these takes to stand in line, and than a lock is held whose holder looks for nobody. */
const SETTLE_MS = 1100
const TXN = 'PUT /v1/txn'
const NEVER = new AbortController().signal

/** A lock that may go from hand to hand, held for a while. */
async function handedOn(about: Partial<AcquireOptions> = {}) {
  const lock = virtualLock()
  const { clock, ctx, key, operator, requests } = lock
  const client = lock.consul()
  const contend = (who: string, more: Partial<AcquireOptions> = {}, signal = NEVER) => {
    const record = (nowMs: number) =>
      JSON.stringify({ host: who, user: 'root', command: ['x'], runId: who, since: new Date(nowMs).toISOString() })
    return lock.acquire({ handsOn: true, sessionName: who, record, ...more }, { ...ctx, signal })
  }
  const ours = won(await clock.run(contend('holder', about)))
  await clock.advance(SETTLE_MS)
  return {
    ...lock,
    ours,
    /** Has somebody come and stand in line. */
    async comes(who: string, more: Partial<AcquireOptions> = {}, signal = NEVER) {
      const end = contend(who, more, signal)
      end.catch(() => {})
      await clock.advance(SETTLE_MS)
      return { end: () => clock.run(end) }
    },
    /** Gives the lock back, and lets all settle. Tells what that asked for. */
    async release(held: HeldLock): Promise<string[]> {
      requests.splice(0)
      await clock.run(lock.release(held))
      await clock.advance(SETTLE_MS)
      return requests.splice(0)
    },
    write: (at: string, value: string) => clock.run(transact(ctx, client, [{ verb: 'set', key: at, value }])),
    keys: async () => (await clock.run(readKeys(ctx, client, key))).map((entry) => entry.key),
    host: () => JSON.parse(Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString() || '{}').host,
  }
}

const runsOf = (runId: string) =>
  new RunsRider({ lockKey: 'consul-locker-virtual', runId, who: () => ({ host: 'h', user: 'u', command: ['c'] }) })

describe('a lock that somebody waits for', () => {
  test('goes to the first in line in one transaction, and is never free', async () => {
    const { ours, comes, release, key, operator, host } = await handedOn()
    const createdAt = operator.entry(key)?.createIndex
    const next = await comes('next')
    await comes('last')
    const asked = await release(ours)
    expect(host()).toBe('next')
    const got = won(await next.end())
    expect(operator.entry(key)).toMatchObject({ createIndex: createdAt, lockIndex: 2, modifyIndex: got.fence })
    expect(got.fence).toBeGreaterThan(ours.fence)
    // The look for who stands behind us, and the hand-off: who was handed it claims nothing.
    expect(asked.filter((request) => request === TXN)).toHaveLength(2)
  })

  test('says since when it is held, and by which number in line', async () => {
    const { ours, comes, release, clock } = await handedOn()
    const next = await comes('next')
    await clock.advance(5000)
    const nowMs = clock.now().wallMs
    await release(ours)
    const { since, turn } = JSON.parse(won(await next.end()).value)
    expect(Date.parse(since)).toBeGreaterThanOrEqual(nowMs)
    expect(turn).toBe(1)
  })

  test('goes through all who wait, in their order, and leaves nothing behind', async () => {
    const { ours, comes, release, keys, operator } = await handedOn()
    const names = ['a', 'b', 'c', 'd']
    const waiting = []
    for (const name of names) waiting.push(await comes(name))
    const order: unknown[] = []
    let held = ours
    for (const one of waiting) {
      await release(held)
      held = won(await one.end())
      order.push(JSON.parse(held.value).host)
    }
    expect(order).toEqual(names)
    await release(held)
    expect(await keys()).toEqual([])
    expect(operator.sessions()).toEqual([])
  })

  test('is given back together with the line by who was handed it before it saw that it was first', async () => {
    const { ours, comes, release, keys, meet } = await handedOn()
    const first = await comes('first')
    meet(({ longPoll, path }) => (longPoll && path.includes('queue/') ? { backMs: 3000 } : {}))
    const last = await comes('last')
    await release(ours)
    await release(won(await first.end()))
    await release(won(await last.end()))
    expect(await keys()).toEqual([])
  })

  test('goes on from a holder that would not have waited', async () => {
    const { ours, comes, release, operator, key } = await handedOn({ once: true })
    const createdAt = operator.entry(key)?.createIndex
    const next = await comes('next')
    await release(ours)
    await next.end()
    expect(operator.entry(key)?.createIndex).toBe(createdAt)
  })

  test('goes on to who comes later: who held it for a while looks once more', async () => {
    const { ours, comes, release, ctx, clock, host, operator, key } = await handedOn()
    const createdAt = operator.entry(key)?.createIndex
    const next = await comes('next')
    await release(ours)
    const held = won(await next.end())
    held.handOff?.()?.begin(ctx)
    await clock.advance(SETTLE_MS)
    await comes('later')
    await release(held)
    expect(host()).toBe('later')
    expect(operator.entry(key)?.createIndex).toBe(createdAt)
  })

  test('goes to who moved up, when who stood between has given up', async () => {
    const { ours, comes, release, host, keys, key } = await handedOn()
    const gaveUp = new AbortController()
    await comes('between', {}, gaveUp.signal)
    await comes('next')
    gaveUp.abort(UNWANTED)
    const { end } = await comes('last')
    await release(ours)
    expect(host()).toBe('next')
    expect((await keys()).filter((name) => name.endsWith('/next'))).toEqual([
      expect.stringMatching(`^${key}=queue/.*/next$`),
    ])
    end().catch(() => {})
  })

  test.each([
    ['', undefined],
    [', though that fails at first', { kind: 'refused' } as const],
  ])('has its history read by who was handed it, before that gives it back%s', async (_, fault) => {
    const [first, second] = [runsOf('holder'), runsOf('next')]
    const { ours, comes, release, operator, key, meet } = await handedOn({ riders: [first] })
    const next = await comes('next', { riders: [second] })
    const ended = (one: RunsRider, fence: number) =>
      one.ended({ outcome: { kind: 'ran', status: { code: 0 } }, fence, waitedMs: 0, ranMs: 1 })
    ended(first, ours.fence)
    await release(ours)
    const held = won(await next.end())
    ended(second, held.fence)
    let isFirst = true
    meet(({ body }) => {
      if (!fault || !isFirst || !body?.includes('get-tree')) return {}
      isFirst = false
      return { fault }
    })
    await release(held)
    const record = parseRuns(Buffer.from(operator.entry(`${key}=runs`)?.value ?? '', 'base64').toString())
    expect(record).toMatchObject({ runs: [{ runId: 'holder' }, { runId: 'next', fence: held.fence }] })
  })
})

describe('a look for who stands behind us', () => {
  test('that was begun while the lock was held is the only one, when it has found somebody', async () => {
    const { held, release, ctx, clock, host } = await inTheMiddle()
    held.handOff?.()?.begin(ctx)
    await clock.advance(SETTLE_MS)
    expect((await release(held)).filter((request) => request === TXN)).toHaveLength(1)
    expect(host()).toBe('last')
  })

  test('that is under way when the lock is given back is waited for', async () => {
    const { held, release, ctx, meet, requests, host } = await inTheMiddle()
    requests.splice(0)
    meet(({ body }) => (body?.includes('get-tree') ? { backMs: 50 } : {}))
    held.handOff?.()?.begin(ctx)
    const looked = requests.filter((request) => request === TXN)
    const asked = await release(held)
    expect(host()).toBe('last')
    expect([...looked, ...asked.filter((request) => request === TXN)]).toHaveLength(2)
  })

  test('that found nobody is the only one, when the lock is given back at once', async () => {
    const { ours, comes, release, requests, ctx, consul } = await handedOn()
    const { end } = await comes('next')
    const given = giveBack(ctx, consul(), ours)
    const held = won(await end())
    await given
    requests.splice(0)
    held.handOff?.()?.begin(ctx)
    const looked = requests.filter((request) => request === TXN)
    const asked = await release(held)
    // And the release.
    expect([...looked, ...asked.filter((request) => request === TXN)]).toHaveLength(2)
  })

  test('is begun by nobody who didn’t stand in line', async () => {
    const { ours, requests, ctx, clock } = await handedOn()
    requests.splice(0)
    ours.handOff?.()?.begin(ctx)
    await clock.advance(SETTLE_MS)
    expect(requests.filter((request) => request === TXN)).toEqual([])
  })

  test('is answered within a second: the lock is handed on', async () => {
    const { ours, comes, release, meet, operator, key, host } = await handedOn()
    const createdAt = operator.entry(key)?.createIndex
    await comes('next')
    meet(({ body }) => (body?.includes('get-tree') ? { backMs: 500 } : {}))
    await release(ours)
    expect(host()).toBe('next')
    expect(operator.entry(key)?.createIndex).toBe(createdAt)
  })

  test('that the token may not make is done without: the lock is free at once', async () => {
    const { ours, comes, release, meet, operator, key, host } = await handedOn()
    const createdAt = operator.entry(key)?.createIndex
    await comes('next')
    const refused = { kind: 'answered', reply: strangeReply(403, 'Permission denied') } as const
    meet(({ body }) => (body?.includes('get-tree') ? { fault: refused } : {}))
    await release(ours)
    expect(host()).toBe('next')
    expect(operator.entry(key)?.createIndex).not.toBe(createdAt)
  })

  test('tells the history’s entries from the note', async () => {
    const { held, release, host, operator, key } = await inTheMiddle()
    const createdAt = operator.entry(key)?.createIndex
    await release(held)
    expect(host()).toBe('last')
    expect(operator.entry(key)?.createIndex).toBe(createdAt)
  })

  /** Who was handed a lock that has a history, with one behind. */
  async function inTheMiddle() {
    const rider = runsOf('holder')
    const lock = await handedOn({ riders: [rider] })
    const { ours, comes, release } = lock
    const middle = await comes('middle', { riders: [runsOf('middle')] })
    await comes('last')
    rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, fence: ours.fence, waitedMs: 0, ranMs: 1 })
    await release(ours)
    return { ...lock, held: won(await middle.end()) }
  }
})

describe('who is handed a lock', () => {
  test('doesn’t start by a lease that is nearly over: it renews its session first', async () => {
    const { ours, comes, release, meet, requests, clock, operator } = await handedOn()
    const next = await comes('next')
    const waiter = operator.sessions().find(({ id }) => id !== ours.session.id)
    const renewals = () => requests.filter((request) => request.includes(`renew/${waiter?.id}`)).length
    const cut: Policy = ({ path }) => (path.includes(`renew/${waiter?.id}`) ? { fault: { kind: 'refused' } } : {})
    meet(cut)
    await clock.advance(14_000)
    await release(ours)
    const cutOff = renewals()
    expect(operator.holder('consul-locker-virtual')).toBe(waiter?.id)
    meet(() => ({}))
    const held = won(await next.end())
    expect(held.session.id).toBe(waiter?.id)
    expect(renewals()).toBeGreaterThan(cutOff)
    expect(held.session.hasTimeToStart()).toBe(true)
  })
})

test('a claim whose answer was lost is no hand-off: the history has the dead holder’s run, too', async () => {
  const { ours, comes, release, operator, key, meet, clock, timing } = await handedOn()
  const rider = runsOf('next')
  const record: AcquireOptions['record'] = (nowMs, seen) => {
    const unended = unendedRuns(seen, { lockKey: key, runId: 'next' })
    return JSON.stringify({ runId: 'next', since: new Date(nowMs).toISOString(), unended })
  }
  const next = await comes('next', { riders: [rider], record })
  let isLost = false
  const freeAt = clock.nowMs + timing.lockDelayMs
  meet(({ body }) => {
    if (isLost || clock.nowMs < freeAt || !body?.includes(`"lock","Key":"${key}"`)) return {}
    isLost = true
    return { fault: { kind: 'cut' } }
  })
  ours.session.end()
  operator.destroySession(ours.session.id)
  const held = won(await next.end())
  expect(isLost).toBe(true)
  rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, fence: held.fence, waitedMs: 0, ranMs: 1 })
  await release(held)
  const history = parseRuns(Buffer.from(operator.entry(`${key}=runs`)?.value ?? '', 'base64').toString())
  expect(history).toMatchObject({
    runs: [
      { runId: 'holder', lost: 'unknown' },
      { runId: 'next', code: 0 },
    ],
  })
})

describe('who holds a lock without having waited', () => {
  test('looks for nobody when it gives it back at once', async () => {
    const { acquire, release, clock } = virtualLockOf()
    const held = won(await clock.run(acquire()))
    expect(await release(held)).toEqual([TXN, expect.stringContaining('destroy')])
  })

  function virtualLockOf() {
    const lock = virtualLock()
    return {
      clock: lock.clock,
      acquire: () => lock.acquire({ handsOn: true }),
      async release(held: HeldLock) {
        lock.requests.splice(0)
        await lock.clock.run(lock.release(held))
        return lock.requests
      },
    }
  }
})

describe('a lock is released, and claimed by who waits,', () => {
  test('when that left no note', async () => {
    const { ours, comes, release, host, key, operator } = await handedOn()
    const next = await comes('next', { handsOn: false })
    await release(ours)
    await next.end()
    expect(host()).toBe('next')
    expect(operator.entry(key)?.lockIndex).toBe(1)
  })

  test('when the token of who waits may leave none', async () => {
    const { ours, comes, release, host, meet } = await handedOn()
    const refused = { kind: 'answered', reply: strangeReply(403, 'Permission denied') } as const
    meet(({ body }) => (body?.includes('/next"') && body.includes('"lock"') ? { fault: refused } : {}))
    const next = await comes('next')
    await release(ours)
    await next.end()
    expect(host()).toBe('next')
  })

  test('when who left the note has gone', async () => {
    const { ours, comes, release, host, operator } = await handedOn()
    await comes('gone')
    const gone = operator.sessions().find(({ id }) => id !== ours.session.id)
    const next = await comes('next')
    operator.destroySession(gone?.id ?? '')
    await release(ours)
    await next.end()
    expect(host()).not.toBe('holder')
  })

  test('and its note is cleared away, when who left that has gone', async () => {
    const { ours, comes, release, keys, operator, meet } = await handedOn()
    await comes('gone')
    const gone = operator.sessions().find(({ id }) => id !== ours.session.id)?.id ?? ''
    meet(({ path, body = '' }) =>
      `${path} ${body}`.includes(gone) || path.includes('/create') ? { fault: { kind: 'refused' } } : {},
    )
    operator.destroySession(gone)
    await release(ours)
    expect((await keys()).filter((name) => name.endsWith('/next'))).toEqual([])
  })

  test('soon, though the look for who stands behind us is never answered', async () => {
    const { ours, comes, release, clock, ctx, meet } = await handedOn()
    const first = await comes('first')
    await comes('last')
    await release(ours)
    const held = won(await first.end())
    meet(({ body }) => (body?.includes('get-tree') ? { fault: { kind: 'black-hole' } } : {}))
    held.handOff?.()?.begin(ctx)
    await clock.advance(10)
    meet(() => ({}))
    const { nowMs } = clock
    await release(held)
    expect(clock.nowMs - nowMs).toBeLessThan(SETTLE_MS + 4000)
  })

  test.each(['consul-locker=pause', 'consul-locker-virtual=pause'])('when there is %s', async (pause) => {
    const { ours, comes, release, operator, key, write } = await handedOn()
    await comes('next', { riders: [new PauseRider('virtual', key)] })
    await write(pause, JSON.stringify({ until: '2026-01-01T01:00:00Z', since: '2026-01-01T00:00:00Z', by: 'x' }))
    await release(ours)
    expect(operator.holder(key)).toBeUndefined()
  })

  test('when the token may not look for pauses', async () => {
    const { ours, comes, release, host, meet } = await handedOn()
    const next = await comes('next')
    const refusal: Policy = ({ body }) =>
      body?.includes('=pause') ? { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } } : {}
    meet(refusal)
    await release(ours)
    await next.end()
    expect(host()).toBe('next')
  })

  test('when the token may not write in the line, and so can’t clear the note away either', async () => {
    const { ours, comes, release, host, meet } = await handedOn()
    const next = await comes('next')
    const mine = ours.session.id
    const refusal: Policy = ({ body }) =>
      body?.includes(`"Session":"${mine}"`) && body.includes('=queue/')
        ? { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } }
        : {}
    meet(refusal)
    expect(await release(ours)).toContainEqual(expect.stringContaining('destroy'))
    // Without any lock-delay.
    expect(host()).toBe('next')
    await next.end()
  })

  test('when the note is no record of a run', async () => {
    const { ours, comes, release, operator, key } = await handedOn()
    const next = await comes('next', { record: () => 'rubbish' })
    await release(ours)
    await next.end()
    expect(operator.entry(key)?.lockIndex).toBe(1)
  })

  test('by every sixteenth number in line: who has no place there waits for nothing but a free key', async () => {
    const { ours, comes, release, operator, key, keys } = await handedOn()
    const waiting = []
    for (let n = 1; n <= 18; n++) waiting.push(await comes(`number ${n}`))
    const created: (number | undefined)[] = []
    let held = ours
    for (const one of waiting) {
      await release(held)
      held = won(await one.end())
      created.push(operator.entry(key)?.createIndex)
    }
    expect(new Set(created.slice(0, 16)).size).toBe(1)
    expect(new Set(created).size).toBe(2)
    await release(held)
    expect(await keys()).toEqual([])
  })

  test('and what isn’t ours any more is left alone', async () => {
    const { ours, comes, release, operator, key } = await handedOn()
    const next = await comes('next')
    operator.forceRelease(key)
    const held = won(await next.end())
    await release(ours)
    expect(operator.holder(key)).toBe(held.session.id)
  })
})

describe('who stands behind nobody leaves no note', () => {
  test('because it is first at a lock that is closed for a while', async () => {
    const { ours, comes, meet, operator, clock, timing } = await handedOn()
    const next = await comes('next')
    const notes = notesIn(meet)
    ours.session.end()
    operator.destroySession(ours.session.id)
    await clock.advance(timing.lockDelayMs / 2)
    expect(notes).toEqual([])
    won(await next.end())
  })

  test('because it may not stand in line', async () => {
    const { comes, meet } = await handedOn()
    const refused = { kind: 'answered', reply: strangeReply(403, 'Permission denied') } as const
    const notes = notesIn(meet, ({ body }) => (body?.includes('=queue/') ? { fault: refused } : {}))
    await comes('next')
    expect(notes).toEqual([])
  })

  /** All notes that somebody tries to leave from now on. */
  function notesIn(meet: (next: Policy) => void, fateOf: Policy = () => ({})): readonly string[] {
    const notes: string[] = []
    meet((request) => {
      const { body = '' } = request
      if (/"lock","Key":"[^"]*\/next"/.test(body)) notes.push(body)
      return fateOf(request)
    })
    return notes
  }
})

describe('a look for who waits', () => {
  test.each([
    ['that is answered late', { backMs: 3500 }],
    ['that fails', { fault: { kind: 'refused' } as const }],
  ])('%s holds up no release', async (_, fate) => {
    const { ours, clock, meet, operator, key, release } = await handedOn()
    meet(({ body }) => (body?.includes('/next') ? fate : {}))
    const before = clock.nowMs
    await release(ours)
    expect(clock.nowMs - before - SETTLE_MS).toBeLessThanOrEqual(1000)
    expect(operator.holder(key)).toBeUndefined()
  })
})

describe('who waits no longer', () => {
  test('is handed nothing: it takes its place and its note away, and then looks whether it has the lock', async () => {
    const { ours, comes, release, operator, key, keys, clock } = await handedOn()
    const gaveUp = new AbortController()
    const { end } = await comes('gone', {}, gaveUp.signal)
    gaveUp.abort(UNWANTED)
    await expect(end()).rejects.toBe(UNWANTED)
    await release(ours)
    await clock.advance(SETTLE_MS)
    expect(operator.holder(key)).toBeUndefined()
    expect(await keys()).toEqual([])
    expect(operator.sessions()).toEqual([])
  })

  test('is handed nothing either by who knew of it before, though its session lives on', async () => {
    const { ours, comes, release, operator, key, meet, clock, ctx } = await handedOn()
    const first = await comes('first')
    await release(ours)
    const held = won(await first.end())
    const gaveUp = new AbortController()
    const { end } = await comes('gone', {}, gaveUp.signal)
    held.handOff?.()?.begin(ctx)
    await clock.advance(SETTLE_MS)
    // All that comes after its withdrawal takes long.
    meet(({ path }) => (/destroy|recurse/.test(path) ? { outMs: 10_000 } : {}))
    gaveUp.abort(UNWANTED)
    await clock.advance(SETTLE_MS)
    const released = release(held)
    await clock.advance(SETTLE_MS)
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toHaveLength(2)
    await released
    await expect(end()).rejects.toBe(UNWANTED)
  })

  test('gives back what it was handed meanwhile', async () => {
    const { ours, comes, release, operator, keys, meet, clock } = await handedOn()
    const gaveUp = new AbortController()
    const { end } = await comes('gone', {}, gaveUp.signal)
    // Its withdrawal takes so long that the hand-off is there before.
    meet(({ body }) => (body?.includes('=queue/') && !body.includes('unlock') ? { outMs: 500 } : {}))
    gaveUp.abort(UNWANTED)
    await release(ours)
    await expect(end()).rejects.toBe(UNWANTED)
    await clock.advance(SETTLE_MS)
    expect(await keys()).toEqual([])
    expect(operator.sessions()).toEqual([])
  })

  test('because it was killed, is handed nothing once its guardian has looked', async () => {
    const { ours, comes, release, operator, key, keys, clock, ctx, consul, meet } = await handedOn()
    await comes('killed')
    const killed = operator.sessions().find(({ id }) => id !== ours.session.id)
    meet(({ path }) => (path.includes('/session/create') ? { fault: { kind: 'refused' } } : {}))
    expect(
      await clock.run(releaseOnBehalf(ctx, consul(), { key, sessionId: killed?.id ?? '', mayBeHanded: true })),
    ).toBe(true)
    expect(await keys()).toEqual([key, `${key}=queue`])
    await release(ours)
    expect(operator.holder(key)).toBeUndefined()
  })

  test('because it was killed, has given back what it was handed while its guardian looked', async () => {
    const { ours, comes, release, operator, key, keys, clock, ctx, consul, meet } = await handedOn()
    await comes('killed')
    const sessionId = operator.sessions().find(({ id }) => id !== ours.session.id)?.id ?? ''
    meet(({ path }) => {
      if (path.includes('/session/create')) return { fault: { kind: 'refused' } }
      // Its place stands until then.
      return path.includes('recurse') ? { outMs: 500 } : {}
    })
    const looked = releaseOnBehalf(ctx, consul(), { key, sessionId, mayBeHanded: true })
    await clock.advance(100)
    await release(ours)
    expect(await clock.run(looked)).toBe(true)
    expect(await keys()).not.toContain(key)
  })

  test('because it was killed, leaves its place to who stands behind it, who is handed the lock', async () => {
    const { ours, comes, release, operator, key, clock, ctx, consul } = await handedOn()
    const createdAt = operator.entry(key)?.createIndex
    await comes('killed')
    const killed = operator.sessions().find(({ id }) => id !== ours.session.id)
    const next = await comes('next')
    const held = { key, sessionId: killed?.id ?? '', mayBeHanded: true }
    expect(await clock.run(releaseOnBehalf(ctx, consul(), held))).toBe(true)
    await clock.advance(SETTLE_MS)
    await release(ours)
    won(await next.end())
    expect(operator.entry(key)?.createIndex).toBe(createdAt)
  })
})
