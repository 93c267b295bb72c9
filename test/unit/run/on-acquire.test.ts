import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { type Guardian, NO_GUARDIAN } from '../../../src/child/guardian.ts'
import type { ForwardedSignal } from '../../../src/child/signals.ts'
import { Hold } from '../../../src/lock/hold.ts'
import { planTiming } from '../../../src/lock/lease-timing.ts'
import { OnAcquire } from '../../../src/run/on-acquire.ts'
import type { RunObserver } from '../../../src/run/run-observer.ts'
import type { CommandEnd } from '../../../src/run/run-outcome.ts'
import type { RunDependencies, RunSpec } from '../../../src/run/run-spec.ts'
import { runs } from '../../kit/processes.ts'
import type { WireFate } from '../../virtual/faulty-transport.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const WHILE = { timeout: 20_000, interval: 5 }

/** Waits in the test's folder until it may end. */
const WAITS = 'echo begun >$DIR/begun; until [ -e $DIR/go ]; do sleep 0.02; done'
const IGNORES_TERM = `trap "" TERM; ${WAITS}`

interface About {
  readonly timing?: ReturnType<typeof planTiming>
  /** Whether somebody listens to what becomes of the lock, and hears of it. */
  readonly listens?: 'all' | 'somebody deaf' | 'nobody'
}

/** A lock that is ours, and a hook that runs before the command. */
async function preparing(line: string, { timing = planTiming({}), listens = 'all' }: About = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'on-acquire-'))
  const lock = virtualLock()
  const { clock, consul } = lock
  const lines: object[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, warn: (line, about) => void lines.push({ line, ...about }) } }
  const ours = won(await clock.run(lock.acquire({ timing })))
  const hold = new Hold(ctx, consul(), ours)
  const failed = new AbortController()
  const armed: string[] = []
  const groups: number[] = []
  const guardian: Guardian = {
    ...NO_GUARDIAN,
    arm(group, ms, restMs) {
      armed.push(
        [
          typeof group === 'number' ? 'group' : group === 'none' ? 'none' : 'marker',
          ms,
          ...(restMs === undefined ? [] : [restMs]),
        ].join(' '),
      )
      if (typeof group === 'number') groups.push(group)
    },
    failed: failed.signal,
  }
  const listeners = new Set<(signal: ForwardedSignal) => void>()
  const send = (signal: ForwardedSignal) => listeners.forEach((listener) => void listener(signal))
  const heard: string[] = []
  const observer: RunObserver = {
    lost: ({ kind }) => void heard.push(`lost: ${kind}`),
    renewed: () => void heard.push('renewed'),
  }
  const dependencies = {
    consul: consul(),
    guardian,
    signals: {
      raise: send,
      listen(listener: (signal: ForwardedSignal) => void) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    },
    ...(listens !== 'nobody' && { observer: listens === 'all' ? observer : {} }),
  } satisfies Partial<RunDependencies> as unknown as RunDependencies
  const environment = { PATH: process.env.PATH, DIR: dir }
  const spec = { lock: { ...lock.spec, timing }, runId: 'one', mark: 'one', environment } as unknown as RunSpec
  let end: CommandEnd | 'may start' | undefined
  const prepared = new OnAcquire(dependencies, spec, line).prepare(ctx, ours, hold)
  prepared.then(
    (ended) => {
      end = ended ?? 'may start'
    },
    () => {},
  )
  const letGo = () => writeFileSync(join(dir, 'go'), '')
  onTestFinished(async () => {
    letGo()
    ours.session.end()
    await hold.end()
    rmSync(dir, { recursive: true })
  })
  return {
    ...lock,
    timing,
    ours,
    lines,
    armed,
    heard,
    send,
    letGo,
    end: () => end,
    loseGuardian: () => failed.abort(new Failure('usage', 'no guardian could be kept alive')),
    note: () => readFileSync(join(dir, 'note'), 'utf8').trimEnd(),
    begun: () => vi.waitUntil(() => existsSync(join(dir, 'begun')), WHILE),
    /** Waits until the hook is dead, while no time passes. */
    dies: () => vi.waitUntil(() => !groups.some(runs), WHILE),
    /** How it ended, when it has, while no time passes. */
    ended: async () => {
      await vi.waitUntil(() => end !== undefined, WHILE)
      return end
    },
    /** The same while time passes bit by bit. */
    settled: async () => {
      await vi.waitUntil(async () => {
        await clock.advance(10)
        return end !== undefined
      }, WHILE)
      return end
    },
  }
}

const lost = (kind: string) => ({ outcome: { kind: 'lost', loss: { kind } } })

describe('a command whose hook comes first', () => {
  test('may start when that has succeeded, which knew as much as it will', async () => {
    const { ended, note, ours, heard, lines } = await preparing(
      'echo "$CONSUL_LOCKER_EVENT $CONSUL_LOCK_HELD $CONSUL_LOCKER_FENCE" >$DIR/note',
    )
    expect(await ended()).toBe('may start')
    expect(note()).toBe(`acquire true ${ours.fence}`)
    expect({ heard, lines }).toEqual({ heard: [], lines: [] })
  })

  test('does not start when that has failed', async () => {
    const { ended } = await preparing('exit 3')
    const why = '--on-acquire failed with exit code 3'
    expect(await ended()).toEqual({ outcome: { kind: 'unprepared', why }, dead: true })
  })

  test('does not start when that has failed, and Consul doesn’t say that the session is gone', async () => {
    const { meet, begun, letGo, settled } = await preparing(`${WAITS}; exit 3`)
    await begun()
    meet(() => ({ fault: { kind: 'black-hole' } }))
    letGo()
    expect(await settled()).toMatchObject({ outcome: { kind: 'unprepared' }, dead: true })
  })

  test('does not start when that has failed with the session, and the lock is lost', async () => {
    const { begun, letGo, operator, key, ended, heard, lines } = await preparing(`${WAITS}; exit 3`)
    await begun()
    operator.destroySession(operator.holder(key) ?? '')
    letGo()
    expect(await ended()).toMatchObject({ ...lost('session-gone'), dead: true })
    expect(heard).toEqual(['lost: session-gone'])
    expect(lines).toMatchObject([{ line: '--on-acquire failed with exit code 3' }, { loss: 'session-gone' }])
  })

  test('does not start when that has failed with the lock, which somebody released in our name', async () => {
    const { begun, letGo, dies, operator, key, settled, heard, lines } = await preparing(`${WAITS}; exit 3`)
    await begun()
    operator.forceRelease(key)
    letGo()
    // The hold hasn't looked yet.
    await dies()
    expect(await settled()).toMatchObject({ ...lost('key-released'), dead: true })
    expect(heard).toContain('lost: key-released')
    expect(lines).toMatchObject([{ line: '--on-acquire failed with exit code 3' }, { loss: 'key-released' }])
  })

  test('does not start when that has failed, and its lock’s key was deleted: the hold takes that again', async () => {
    const { begun, letGo, dies, operator, key, settled } = await preparing(`${WAITS}; exit 3`)
    await begun()
    operator.deleteKey(key)
    letGo()
    await dies()
    expect(await settled()).toMatchObject({ outcome: { kind: 'unprepared' }, dead: true })
  })

  test('does not start when a signal comes meanwhile, which ends the hook', async () => {
    const { begun, send, settled } = await preparing(WAITS)
    await begun()
    send('SIGTERM')
    expect(await settled()).toEqual({ outcome: { kind: 'interrupted', signal: 'SIGTERM' }, dead: true })
  })

  test('does not start at a second signal, though the hook may live on', async () => {
    const { begun, send, ended } = await preparing(IGNORES_TERM)
    await begun()
    send('SIGTERM')
    send('SIGINT')
    expect(await ended()).toEqual({ outcome: { kind: 'interrupted', signal: 'SIGTERM' }, dead: false })
  })
})

describe('the guardian of a hook', () => {
  test('ends it when we can’t, and knows nobody when it has ended', async () => {
    const { ended, armed, timing } = await preparing('true')
    await ended()
    expect(armed).toEqual(['marker', 'group', 'none'].map((what) => `${what} ${timing.ttlMs + 250}`))
  })

  test('hears of each renewal, as does who listens', async () => {
    const { begun, armed, heard, clock, timing, letGo, ended } = await preparing(WAITS)
    await begun()
    await clock.advance(timing.renewMs)
    expect(armed).toEqual(['marker', 'group', 'group'].map((what) => `${what} ${timing.ttlMs + 250}`))
    expect(heard).toEqual(['renewed'])
    letGo()
    expect(await ended()).toBe('may start')
    // It is the command's turn to be told of.
    await clock.advance(timing.renewMs)
    expect(armed.slice(4)).toEqual([`none ${timing.ttlMs + 250}`])
  })
})

describe('a lock that is lost while a hook runs', () => {
  test('is told of, ends the hook, and is not followed by the command', async () => {
    const { begun, operator, key, clock, settled, heard, lines } = await preparing(WAITS)
    await begun()
    operator.destroySession(operator.holder(key) ?? '')
    await clock.advance(100)
    expect(await settled()).toMatchObject({ ...lost('session-gone'), dead: true })
    expect(heard).toEqual(['lost: session-gone'])
    const line = expect.stringMatching(/^lost the lock virtual before the command started: /)
    expect(lines).toEqual([{ line, loss: 'session-gone' }])
  })

  test.each(['somebody deaf', 'nobody'] as const)('is so, too, when %s listens', async (listens) => {
    const { begun, clock, timing, loseGuardian, settled } = await preparing(WAITS, { listens })
    await begun()
    await clock.advance(timing.renewMs)
    loseGuardian()
    expect(await settled()).toMatchObject({ ...lost('unguarded'), dead: true })
  })

  test('is given up when its guardian is lost', async () => {
    const { begun, loseGuardian, settled } = await preparing(WAITS)
    await begun()
    loseGuardian()
    expect(await settled()).toMatchObject({ ...lost('unguarded'), dead: true })
  })

  test.each([
    ['no longer than the command would have', 300, 300],
    ['a second at most', 5000, 1000],
  ])('leaves the hook %s', async (_, graceMs, ms) => {
    const { begun, loseGuardian, clock, armed, end, dies, settled } = await preparing(IGNORES_TERM, {
      timing: planTiming({ graceMs }),
    })
    await begun()
    loseGuardian()
    await clock.advance(ms - 1)
    // Should we be stopped now, somebody else does the same right after us.
    expect(armed.at(-1)).toBe(`group ${ms + 250} 0`)
    expect(end()).toBeUndefined()
    await clock.advance(1)
    await dies()
    expect(await settled()).toMatchObject({ ...lost('unguarded'), dead: true })
    // Nor is its end, or a renewal, an order to wait for longer.
    expect(armed.at(-1)).toBe(`group ${ms + 250} 0`)
  })

  test('is the command’s to hear of when the hook has ended before', async () => {
    const { ended, loseGuardian, clock, armed } = await preparing('true')
    expect(await ended()).toBe('may start')
    const before = [...armed]
    loseGuardian()
    await clock.advance(100)
    expect(armed).toEqual(before)
  })
})

describe('a hook that ends when little of the lease is left', () => {
  /** `watching` is what becomes of the requests that look out for a loss; unless told, none has an answer. */
  async function late(watching: WireFate = { fault: { kind: 'black-hole' } }, line = WAITS) {
    const all = await preparing(line)
    await all.begun()
    const meet = (fateOf: () => WireFate) => all.meet(({ longPoll }) => (longPoll ? watching : fateOf()))
    meet(() => ({ fault: { kind: 'refused' } }))
    await all.clock.advance(all.timing.ttlMs - 3000)
    expect(all.ours.session.hasTimeToStart()).toBe(false)
    return { ...all, meet }
  }

  test('is followed by a renewal, and then by the command', async () => {
    const { meet, letGo, ended, ours } = await late()
    meet(() => ({}))
    letGo()
    expect(await ended()).toBe('may start')
    expect(ours.session.hasTimeToStart()).toBe(true)
  })

  test('is followed by one look at the session when it has failed', async () => {
    const { settled, letGo, requests } = await late({}, `${WAITS}; exit 3`)
    const before = requests.length
    letGo()
    expect(await settled()).toMatchObject({ outcome: { kind: 'unprepared' }, dead: true })
    expect(requests.slice(before).filter((request) => request.includes('/session/renew'))).toHaveLength(1)
  })

  test('is followed by the command when that works at the second try', async () => {
    const { meet, letGo, settled, clock, ours, requests } = await late()
    const fates: WireFate[] = [{ fault: { kind: 'refused' } }]
    meet(() => fates.shift() ?? {})
    const [before, at] = [requests.length, clock.nowMs]
    letGo()
    await vi.waitUntil(() => requests.length > before, WHILE)
    expect(await settled()).toBe('may start')
    expect(clock.nowMs - at).toBeLessThanOrEqual(1000)
    expect(ours.session.hasTimeToStart()).toBe(true)
  })

  test('is not followed by the command when nothing works until the lease is over', async () => {
    const { letGo, settled, clock, timing, heard, armed } = await late()
    letGo()
    expect(await settled()).toMatchObject({ ...lost('deadline'), dead: true })
    expect(clock.nowMs).toBeGreaterThanOrEqual(timing.ttlMs)
    expect(heard).toEqual(['lost: deadline'])
    expect(armed.at(-1)).toMatch(/^none .* 0$/)
  })

  test('is not followed by the command when a signal comes before that has an answer', async () => {
    const { meet, letGo, send, settled, requests } = await late()
    meet(() => ({ backMs: 2000 }))
    const before = requests.length
    letGo()
    await vi.waitUntil(() => requests.length > before, WHILE)
    send('SIGTERM')
    expect(await settled()).toEqual({ outcome: { kind: 'interrupted', signal: 'SIGTERM' }, dead: true })
  })

  test('is not followed by the command when the session turns out to be gone', async () => {
    const { meet, letGo, ended, operator, key, heard } = await late()
    meet(() => ({}))
    operator.destroySession(operator.holder(key) ?? '')
    letGo()
    expect(await ended()).toMatchObject({ ...lost('session-gone'), dead: true })
    expect(heard).toEqual(['lost: session-gone'])
  })

  test('is not followed by the command when the lock is lost during the renewal, though that succeeds', async () => {
    const { meet, letGo, settled, operator, key, requests, ours } = await late({})
    const fates = [{ outMs: 400 }]
    meet(() => fates.shift() ?? {})
    const before = requests.length
    letGo()
    await vi.waitUntil(() => requests.length > before, WHILE)
    operator.forceRelease(key)
    expect(await settled()).toMatchObject({ ...lost('key-released'), dead: true })
    expect(ours.session.hasTimeToStart()).toBe(true)
  })
})
