import { describe, expect, test } from 'vitest'
import { sleep, unlessAborted } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import type { HeldLock, LockSpec } from '../../../src/lock/acquire-options.ts'
import { readersOf, readersPlace } from '../../../src/lock/readers.ts'
import { contenderKey } from '../../../src/lock/semaphore-view.ts'
import type { AwaitGates } from '../../../src/run/run-spec.ts'
import { won } from '../../virtual/virtual-lock.ts'
import { virtualRun } from '../../virtual/virtual-run.ts'

/** A run behind gates that are open or not, and how long each look at them was to last. */
function gated(look: (ctx: Context, timeoutMs: number, nth: number) => Promise<readonly string[]>) {
  const run = virtualRun()
  const looks: number[] = []
  const startGates: AwaitGates = (ctx, timeoutMs) => look(ctx, timeoutMs, looks.push(timeoutMs))
  const { begin } = run
  return {
    ...run,
    looks,
    begin: (waitMs = 60_000, lock: Partial<LockSpec> = {}) =>
      begin({ about: { waitMs, lock: { ...run.spec, ...lock } }, dependencies: { startGates } }),
  }
}

describe('a run with gates before its command', () => {
  test('looks at them, takes the lock, and looks once more', async () => {
    const { clock, begin, looks, launches, exit, requests, orders } = gated(async () => [])
    exit({ code: 0 })
    expect(await clock.run(begin())).toMatchObject({ outcome: { kind: 'ran' } })
    expect(looks).toEqual([60_000, 0])
    expect(launches).toHaveLength(1)
    expect(orders[0]).toBe('session') // And not that its guardian isn't needed.
    expect(requests.filter((line) => line.includes('txn'))).toHaveLength(3) // Its claim, once more, and its release.
  })

  test('runs under the fence that its lock has in the end', async () => {
    const { clock, begin, launches, exit, key, operator } = gated(async () => [])
    const running = begin()
    await clock.advance(1)
    expect(launches[0]?.environment.CONSUL_LOCKER_FENCE).toBe(String(operator.entry(key)?.modifyIndex))
    exit({ code: 0 })
    await clock.run(running)
  })

  test('blocks nobody while they are shut, and says what is missing in the end', async () => {
    const { clock, begin, looks, launches, orders, operator } = gated(async (ctx, timeoutMs) => {
      await sleep(ctx, timeoutMs)
      return ['db:5432 is shut']
    })
    const running = begin(5000)
    await clock.advance(4999)
    expect(operator.sessions()).toEqual([])
    expect(await clock.run(running)).toEqual({
      outcome: { kind: 'unready', missing: ['db:5432 is shut'] },
      waitedMs: 5000,
    })
    expect(looks).toEqual([5000])
    expect(launches).toEqual([])
    expect(orders).toEqual(['dismiss'])
  })

  test('looks once when it is not to wait', async () => {
    const { clock, begin, looks } = gated(async () => ['shut'])
    expect(await clock.run(begin(0))).toMatchObject({ outcome: { kind: 'unready' }, waitedMs: 0 })
    expect(looks).toEqual([0])
  })

  test('waits for its lock for what is left of the time', async () => {
    const { clock, begin, acquire } = gated(async (ctx, _, nth) => {
      if (nth === 1) await sleep(ctx, 3000)
      return []
    })
    const other = won(await clock.run(acquire()))
    expect(await clock.run(begin(5000))).toEqual({ outcome: { kind: 'busy' }, waitedMs: 5000 })
    other.session.end()
  })

  test('does not wait when that time is over, but tries', async () => {
    const { clock, begin, exit } = gated(async (ctx, timeoutMs) => {
      await sleep(ctx, timeoutMs)
      return []
    })
    exit({ code: 0 })
    expect(await clock.run(begin(5000))).toMatchObject({ outcome: { kind: 'ran' } })
  })

  test.each<[string, () => Promise<readonly string[]>]>([
    ['one has shut', async () => ['shut']],
    ['they can’t be looked at', () => Promise.reject(new Failure('unreachable', 'no route'))],
  ])('gives the lock back and begins again when %s meanwhile', async (_, second) => {
    const { clock, begin, looks, lines, exit, operator, key, launches } = gated(async (ctx, _, nth) => {
      if (nth === 3) await sleep(ctx, 1000)
      return nth === 2 ? second() : []
    })
    const running = begin()
    await clock.advance(500)
    expect(operator.holder(key)).toBeUndefined()
    expect(launches).toEqual([])
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' }, waitedMs: 1000 })
    expect(looks).toEqual([60_000, 0, 60_000, 0])
    expect(lines).toEqual([expect.stringContaining('a gate before virtual has shut')])
  })

  test('begins again when the lock has left it while it looked', async () => {
    const { clock, begin, looks, exit, operator, key } = gated(async (_, __, nth) => {
      if (nth === 2) operator.destroySession(operator.holder(key) ?? '')
      return []
    })
    exit({ code: 0 })
    expect(await clock.run(begin())).toMatchObject({ outcome: { kind: 'ran' } })
    expect(looks).toHaveLength(4)
  })

  test('begins again when the look took most of its lease', async () => {
    const { clock, begin, looks, exit, meet } = gated(async (ctx, _, nth) => {
      if (nth === 2) {
        meet(({ path }) => (path.startsWith('/v1/session/renew') ? { fault: { kind: 'refused' } } : {}))
        await sleep(ctx, 14_000)
        meet(() => ({}))
      }
      return []
    })
    exit({ code: 0 })
    expect(await clock.run(begin())).toMatchObject({ outcome: { kind: 'ran' } })
    expect(looks).toHaveLength(4)
  })

  describe('that is one of many readers', () => {
    const reader = (run: Pick<ReturnType<typeof virtualRun>, 'key'>) => ({ compound: readersOf('virtual', run.key) })

    test('has its place anew, and its fence, when the list was deleted while it looked', async () => {
      const run = gated(async (_, __, nth) => {
        if (nth === 2) run.operator.deleteKey(run.key)
        return []
      })
      const { clock, begin, looks, launches, exit, operator, key } = run
      const running = begin(60_000, reader(run))
      await clock.advance(1)
      const session = operator.sessions()[0]?.id as string
      expect(Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString()).toContain(session)
      const place = contenderKey(readersPlace(key), session)
      expect(launches[0]?.environment.CONSUL_LOCKER_FENCE).toBe(String(operator.entry(place)?.modifyIndex))
      expect(looks).toEqual([60_000, 0])
      exit({ code: 0 })
      await clock.run(running)
    })

    test('keeps its place when another came to read while it looked', async () => {
      const run = gated(async (_, __, nth) => {
        if (nth === 2) others.push(won(await run.acquire({ ...reader(run), sessionName: 'other' })))
        return []
      })
      const others: HeldLock[] = []
      const { clock, begin, looks, exit } = run
      exit({ code: 0 })
      expect(await clock.run(begin(60_000, reader(run)))).toMatchObject({ outcome: { kind: 'ran' } })
      expect(others).toHaveLength(1)
      expect(looks).toEqual([60_000, 0])
      for (const other of others) other.session.end()
    })
  })

  test('ends at a signal though the look fails because of it', async () => {
    const { clock, begin, looks, send, operator } = gated(async (ctx, _, nth) => {
      if (nth === 2) await unlessAborted(ctx.signal, new Promise<never>(() => {})).catch(cutOff)
      return []
    })
    const running = begin()
    await clock.advance(1000)
    send('SIGTERM')
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'interrupted', signal: 'SIGTERM' } })
    expect({ looks: looks.length, sessions: operator.sessions() }).toEqual({ looks: 2, sessions: [] })
  })

  test.each([1, 2])('ends at a signal while it looks, the first time or the second: %i', async (at) => {
    const { clock, begin, send, orders, operator, launches } = gated(async (ctx, _, nth) =>
      nth === at ? unlessAborted(ctx.signal, new Promise<never>(() => {})) : [],
    )
    const running = begin()
    await clock.advance(1000)
    send('SIGTERM')
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'interrupted', signal: 'SIGTERM' } })
    expect(orders.at(-1)).toBe('dismiss')
    expect(operator.sessions()).toEqual([])
    expect(launches).toEqual([])
  })

  test.each([1, 2])('hides no fault of ours in look %i', async (at) => {
    const { clock, begin, orders } = gated((_, __, nth) =>
      nth === at ? Promise.reject(new Error('a fault')) : Promise.resolve([]),
    )
    await expect(clock.run(begin())).rejects.toThrow('a fault')
    if (at === 1) expect(orders).toEqual(['dismiss'])
  })
})

function cutOff(): never {
  throw new Failure('unreachable', 'cut off')
}
