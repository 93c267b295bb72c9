import { describe, expect, test, vi } from 'vitest'
import { unlessAborted } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import type { ExitStatus } from '../../../src/child/exit-status.ts'
import { holdFor } from '../../../src/run/hold-at-least.ts'
import type { RunObserver } from '../../../src/run/run-observer.ts'
import type { Policy } from '../../virtual/faulty-transport.ts'
import { won } from '../../virtual/virtual-lock.ts'
import { virtualRun } from '../../virtual/virtual-run.ts'

const RENEWALS_REFUSED: Policy = ({ path }) =>
  path.startsWith('/v1/session/renew') ? { fault: { kind: 'refused' } } : {}

describe('a run', () => {
  test('ends as its command does, and leaves nothing', async () => {
    const { clock, key, timing, operator, orders, launches, listeners, lines, begin, exit } = virtualRun()
    const running = begin()
    await clock.advance(15_000)
    expect(JSON.parse(atob(operator.entry(key)?.value ?? ''))).toMatchObject({
      host: 'here',
      pid: 1,
      command: ['virtual'],
    })
    const fence = operator.entry(key)?.modifyIndex
    exit({ code: 3 })
    const result = await clock.run(running)
    expect(result).toEqual({ outcome: { kind: 'ran', status: { code: 3 } }, fence, waitedMs: 0, ranMs: 15_000 })
    expect(launches).toEqual([expect.objectContaining({ marker: expect.stringContaining('one') })])
    const armed = `arm 4711 ${timing.ttlMs + 250}`
    expect(orders).toEqual(['session', armed, armed, 'disarm', 'dismiss'])
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
    expect(lines).toEqual([])
    expect(listeners.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('that fails tells who observes it and wants to hear of that, unless by a fault of ours', async () => {
    const ends: unknown[] = []
    const finished = (end: unknown) => void ends.push(end)
    const failing = async (thrown: Error, observer: RunObserver) => {
      const { clock, begin } = virtualRun()
      const startGates = () => Promise.reject(thrown)
      await expect(clock.run(begin({ dependencies: { startGates, observer } }))).rejects.toBe(thrown)
    }
    const failure = new Failure('unavailable', 'no leader')
    await failing(failure, { finished })
    await failing(failure, {})
    await failing(new TypeError('a fault'), { finished })
    expect(ends).toEqual([failure])
  })

  test('passes signals on to its command', async () => {
    const { clock, signals, begin, send, exit } = virtualRun()
    const running = begin()
    await clock.advance(1)
    send('SIGHUP')
    expect(signals).toEqual(['SIGHUP'])
    exit({ code: 0 })
    await clock.run(running)
  })

  test('that waits for the whole group holds the lock until that is empty', async () => {
    const { clock, key, operator, begin, exit, empty } = virtualRun()
    const running = begin({ about: { waitGroup: true } })
    await clock.advance(1000)
    exit({ code: 0 })
    await clock.advance(1000)
    expect(operator.holder(key)).toBeDefined()
    empty()
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' }, ranMs: 2000 })
  })

  test('keeps the lock of a quick command for as long as it is to be held, and its code', async () => {
    const { clock, key, operator, orders, begin, exit } = virtualRun()
    const running = begin({ about: { holdAtLeastMs: 30_000 }, dependencies: { holdFor } })
    await clock.advance(1000)
    exit({ code: 3 })
    await clock.advance(28_000)
    expect(operator.holder(key)).toBeDefined()
    // Nobody is left to end, whatever is renewed.
    expect(orders.slice(2)).toEqual(['disarm'])
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran', status: { code: 3 } }, ranMs: 1000 })
    expect(clock.nowMs).toBe(30_000)
    expect(orders.slice(2)).toEqual(['disarm', 'disarm', 'dismiss'])
    expect(operator.holder(key)).toBeUndefined()
  })

  test.each([
    ['a signal', ({ send }: ReturnType<typeof virtualRun>) => send('SIGTERM')],
    [
      'the loss of the lock',
      ({ operator, key }: ReturnType<typeof virtualRun>) => operator.destroySession(operator.holder(key) ?? ''),
    ],
  ])('keeps it no longer after %s, with the command’s own code', async (_, end) => {
    const lab = virtualRun()
    const running = lab.begin({ about: { holdAtLeastMs: 30_000 }, dependencies: { holdFor } })
    await lab.clock.advance(1000)
    lab.exit({ code: 3 })
    await lab.clock.advance(1000)
    end(lab)
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'ran', status: { code: 3 } } })
    expect(lab.clock.nowMs).toBeLessThan(10_000)
  })

  test.each([
    ['that was lost', { holdAtLeastMs: 30_000 }],
    ['that nobody wants to keep', {}],
  ])('keeps no lock %s', async (why, about) => {
    const { clock, key, operator, begin, exit } = virtualRun()
    const keeps = vi.fn(holdFor)
    const running = begin({ about, dependencies: { holdFor: keeps } })
    await clock.advance(1000)
    if (why === 'that was lost') operator.forceRelease(key)
    else exit({ code: 0 })
    await clock.run(running)
    expect(keeps).not.toHaveBeenCalled()
  })

  test('says nothing more to its guardian when a renewal comes in while the lock is given back', async () => {
    const { clock, timing, orders, begin, exit, meet } = virtualRun()
    meet(({ path }) => (path.startsWith('/v1/session/renew') ? { backMs: 500 } : {}))
    const running = begin()
    await clock.advance(timing.renewMs)
    meet(() => ({ backMs: 1000 }))
    exit({ code: 0 })
    await clock.run(running)
    expect(orders.slice(1)).toEqual([`arm 4711 ${timing.ttlMs + 250}`, 'disarm', 'dismiss'])
  })

  test('looks for nobody to hand its lock to when it got it at once', async () => {
    const { clock, spec, requests, begin, exit } = virtualRun()
    exit({ code: 0 })
    expect(await clock.run(begin({ about: { lock: { ...spec, handsOn: true } } }))).toMatchObject({
      outcome: { kind: 'ran' },
    })
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual([])
  })

  test('answers for its lease as soon as its command has run for a while, and until it ends', async () => {
    const { clock, timing, leases, leasesOpen, begin, exit } = virtualRun()
    const running = begin()
    await clock.advance(49)
    expect(leases).toEqual([])
    await clock.advance(1)
    expect(leases[0]?.()).toEqual({ held: true, leftMs: timing.ttlMs - 50, fence: expect.any(Number) })
    expect(leasesOpen()).toBe(1)
    exit({ code: 0 })
    await clock.run(running)
    expect(leasesOpen()).toBe(0)
  })

  test('answers no questions of a short command', async () => {
    const { clock, leases, begin, exit } = virtualRun()
    exit({ code: 0 })
    await clock.run(begin())
    await clock.advance(1000)
    expect(leases).toEqual([])
  })

  test('leaves the lock to the guardian when Consul does not answer at its end', async () => {
    const { clock, orders, begin, exit, meet } = virtualRun()
    const running = begin()
    await clock.advance(1000)
    meet(() => ({ fault: { kind: 'refused' } }))
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' } })
    expect(orders.slice(-2)).toEqual(['disarm', 'handOver'])
  })

  test('keeps its lock, and its guardian, when a fault of ours ends us while the command runs', async () => {
    const { clock, key, orders, operator, begin } = virtualRun()
    const observer = {
      started() {
        throw new TypeError('a bug')
      },
    }
    await expect(clock.run(begin({ dependencies: { observer } }))).rejects.toThrow('a bug')
    expect(operator.holder(key)).toBeDefined()
    expect(orders.map((order) => order.split(' ')[0])).toEqual(['session'])
  })

  test('starts nothing without a guardian, and gives the lock back', async () => {
    const { clock, key, launches, operator, begin, loseGuardian } = virtualRun()
    loseGuardian()
    await expect(clock.run(begin())).rejects.toThrow('no guardian could be kept alive')
    expect(launches).toEqual([])
    expect(operator.holder(key)).toBeUndefined()
  })

  test('gives the lock up when its guardian is lost, and ends the command by the grace', async () => {
    const { clock, key, timing, operator, lines, orders, begin, loseGuardian } = virtualRun()
    const running = begin()
    await clock.advance(1000)
    loseGuardian()
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'unguarded' } } })
    expect(lines).toEqual([expect.stringContaining('giving up the lock virtual: no guardian could be kept alive')])
    expect(orders).toContain(`arm 4711 ${timing.graceMs + 250} 0`)
    expect(operator.holder(key)).toBeUndefined()
  })
})

describe('a run that prepares for its command', () => {
  const unprepared = { kind: 'unprepared', why: 'no' } as const

  test('starts it when it has', async () => {
    const { clock, launches, begin, exit } = virtualRun()
    const prepared = Promise.withResolvers<undefined>()
    const running = begin({ dependencies: { prepare: () => prepared.promise } })
    await clock.advance(1000)
    expect(launches).toEqual([])
    prepared.resolve(undefined)
    await clock.advance(1000)
    expect(launches).toHaveLength(1)
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' }, ranMs: 1000 })
  })

  test('tells it the fence of a lock that was deleted meanwhile, and taken again', async () => {
    const { clock, key, launches, operator, begin, exit } = virtualRun()
    const prepared = Promise.withResolvers<undefined>()
    const running = begin({ dependencies: { prepare: () => prepared.promise } })
    await clock.advance(1000)
    operator.deleteKey(key)
    await clock.advance(1000)
    prepared.resolve(undefined)
    await clock.advance(1000)
    exit({ code: 0 })
    const { fence } = await clock.run(running)
    expect(launches[0]?.environment.CONSUL_LOCKER_FENCE).toBe(String(fence))
  })

  test('doesn’t start it when it can’t, and gives the lock back', async () => {
    const { clock, key, launches, operator, orders, begin } = virtualRun()
    const prepare = async () => ({ outcome: unprepared, dead: true })
    const running = begin({ dependencies: { prepare } })
    expect(await clock.run(running)).toEqual({ outcome: unprepared, fence: expect.any(Number), waitedMs: 0 })
    expect(launches).toEqual([])
    expect(orders).toEqual(['session', 'disarm', 'dismiss'])
    expect(operator.holder(key)).toBeUndefined()
  })

  test('leaves its session to expire when what prepared for it lives on', async () => {
    const { clock, key, timing, operator, orders, begin } = virtualRun()
    const prepare = async () => ({ outcome: unprepared, dead: false })
    expect(await clock.run(begin({ dependencies: { prepare } }))).toMatchObject({ outcome: unprepared })
    expect(operator.holder(key)).toBeDefined()
    expect(orders).toEqual(['session'])
    await clock.advance(3 * timing.ttlMs)
    expect(operator.sessions()).toEqual([])
  })
})

describe('a run whose command may run for 1h', () => {
  const about = { timeLimit: { ms: 3_600_000, signal: 'SIGINT' } } as const

  test('ends it then, keeps the lock until it is dead, and renews meanwhile', async () => {
    const lab = virtualRun()
    const running = lab.begin({ about, endsInMs: 4000 })
    await lab.clock.advance(3_599_999)
    expect(lab.stops).toEqual([])
    await lab.clock.advance(3000)
    expect(lab.operator.holder(lab.key)).toBeDefined()
    expect(await lab.clock.run(running)).toMatchObject({
      outcome: { kind: 'timed-out', status: { signal: 'SIGINT' } },
      ranMs: 3_604_000,
    })
    expect(lab.stops).toEqual([`SIGINT ${lab.timing.graceMs}`])
    expect(lab.lines).toEqual(['the command has run for 1h, as long as it may; stopping it'])
    expect(lab.orders.filter((order) => !order.startsWith('arm'))).toEqual(['session', 'disarm', 'dismiss'])
    expect(lab.operator.holder(lab.key)).toBeUndefined()
    expect(lab.clock.pending).toBe(0)
  })

  test('lets one that ends sooner end as it likes', async () => {
    const lab = virtualRun()
    const running = lab.begin({ about })
    await lab.clock.advance(3_599_999)
    lab.exit({ code: 3 })
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'ran', status: { code: 3 } } })
    expect(lab.stops).toEqual([])
    expect(lab.clock.pending).toBe(0)
  })

  test('counts from its start, not from when the wait for the lock began', async () => {
    const lab = virtualRun()
    const other = won(await lab.clock.run(lab.acquire()))
    const running = lab.begin({ about })
    await lab.clock.advance(7_200_000)
    await lab.clock.run(lab.release(other))
    await lab.clock.advance(3_000_000)
    lab.exit({ code: 0 })
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'ran' } })
  })

  test('counts the rest of its group, too, when that is waited for', async () => {
    const lab = virtualRun()
    const running = lab.begin({ about: { ...about, waitGroup: true } })
    lab.exit({ code: 0 })
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'timed-out' }, ranMs: 3_600_000 })
  })

  test('gives no more grace than a loss leaves, when the lock is lost meanwhile', async () => {
    const lab = virtualRun()
    const running = lab.begin({ about: { ...about, lossSignal: 'SIGUSR1' }, endsInMs: 4000 })
    await lab.clock.advance(3_600_000)
    lab.operator.forceRelease(lab.key)
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'key-released' } } })
    expect(lab.stops).toEqual([`SIGINT ${lab.timing.graceMs}`, 'SIGUSR1 2000'])
  })

  test('keeps the lock of a command that cannot be killed', async () => {
    const lab = virtualRun()
    const running = lab.begin({ about, isKillable: false })
    expect(await lab.clock.run(running)).toMatchObject({ outcome: { kind: 'timed-out' } })
    expect(lab.operator.holder(lab.key)).toBeDefined()
    expect(lab.lines.at(-1)).toContain("can't be killed")
  })
})

describe('a run with gates after its command', () => {
  test.each([
    ['holds the lock until they open', { code: 0 }, [], { kind: 'ran', status: { code: 0 } }, 3000],
    ['says which did not open', { code: 0 }, ['a'], { kind: 'unsettled', status: { code: 0 }, missing: ['a'] }, 3000],
    ['does not wait for them after a failure', { code: 1 }, ['a'], { kind: 'ran', status: { code: 1 } }, 1000],
    ['does not wait for them after a signal', { signal: 'SIGTERM' }, ['a'], { kind: 'ran' }, 1000],
  ] as const)('%s', async (_, status, missing, outcome, atMs) => {
    const { clock, key, operator, begin, exit } = virtualRun()
    const releaseGates = (ctx: Context) =>
      new Promise<readonly string[]>((resolve) => void ctx.clock.after(2000, () => resolve(missing)))
    const running = begin({ dependencies: { releaseGates } })
    await clock.advance(1000)
    exit(status as ExitStatus)
    expect(await clock.run(running)).toMatchObject({ outcome, ranMs: 1000 })
    expect(clock.nowMs).toBe(atMs)
    expect(operator.holder(key)).toBeUndefined()
  })

  test('does not wait for them when the command had no more time, whatever it says', async () => {
    const { clock, begin, exit } = virtualRun()
    const releaseGates = vi.fn(async () => [])
    const running = begin({
      about: { timeLimit: { ms: 1000, signal: 'SIGINT' } },
      endsInMs: 1000,
      dependencies: { releaseGates },
    })
    await clock.advance(1500)
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'timed-out', status: { code: 0 } } })
    expect(releaseGates).not.toHaveBeenCalled()
  })

  test('says what went wrong with them, as what is missing', async () => {
    const { clock, begin, exit } = virtualRun()
    const releaseGates = () => Promise.reject(new Failure('usage', 'no such gate'))
    const running = begin({ dependencies: { releaseGates } })
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'unsettled', missing: ['no such gate'] } })
  })

  test('hides no fault of ours', async () => {
    const { clock, begin, exit } = virtualRun()
    const running = begin({ dependencies: { releaseGates: () => Promise.reject(new Error('a fault')) } })
    exit({ code: 0 })
    await expect(clock.run(running)).rejects.toThrow('a fault')
  })

  test('loses its lock meanwhile as it would before', async () => {
    const { clock, key, operator, begin, exit } = virtualRun()
    const running = begin({ dependencies: { releaseGates: () => new Promise(() => {}) } })
    await clock.advance(1000)
    exit({ code: 0 })
    await clock.advance(1000)
    operator.forceRelease(key)
    const { outcome } = await clock.run(running)
    expect(outcome).toMatchObject({ kind: 'lost', loss: { kind: 'key-released' }, status: { code: 0 } })
  })

  test('has lost it when they open at the very end of the lease', async () => {
    const { clock, timing, begin, exit, meet } = virtualRun()
    const releaseGates = (ctx: Context) =>
      new Promise<readonly string[]>((resolve) => void ctx.clock.after(timing.ttlMs, () => resolve([])))
    const running = begin({ dependencies: { releaseGates } })
    exit({ code: 0 })
    meet(RENEWALS_REFUSED)
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'deadline' } } })
  })

  test('ends its wait for them at a signal', async () => {
    const { clock, key, operator, begin, exit, send } = virtualRun()
    const running = begin({ dependencies: { releaseGates: (ctx) => unlessAborted(ctx.signal, new Promise(() => {})) } })
    exit({ code: 0 })
    await clock.advance(1000)
    send('SIGTERM')
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'interrupted', signal: 'SIGTERM' } })
    expect(operator.holder(key)).toBeUndefined()
  })

  test('tells its guardian that the command has ended, and renews its lease all the same', async () => {
    const { clock, orders, begin, exit } = virtualRun()
    const gates = Promise.withResolvers<readonly string[]>()
    const running = begin({ dependencies: { releaseGates: () => gates.promise } })
    await clock.advance(1000)
    exit({ code: 0 })
    await clock.advance(30_000)
    expect(orders.slice(2)).toEqual(['disarm'])
    gates.resolve([])
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' } })
  })
})

describe('a run that waits for its lock', () => {
  test.each([
    ['gives up at once when it is not to wait', 0, 0, []],
    ['gives up when its time is over, and says so', 5000, 5000, [expect.stringContaining('was still busy after 5s')]],
  ])('%s', async (_, waitMs, untilMs, told) => {
    const { clock, key, operator, acquire, orders, launches, lines, begin } = virtualRun()
    const other = won(await clock.run(acquire()))
    expect(await clock.run(begin({ about: { waitMs } }))).toEqual({ outcome: { kind: 'busy' }, waitedMs: untilMs })
    expect(clock.nowMs).toBe(untilMs)
    expect(lines.filter((line) => line.includes('after'))).toEqual(told)
    expect(orders).toEqual(['session', 'dismiss'])
    expect(launches).toEqual([])
    expect(operator.sessions()).toHaveLength(1)
    expect(operator.holder(key)).toBe(other.session.id)
    other.session.end()
  })

  test('gets it when it is free in time, and runs on when that time is over', async () => {
    const { clock, acquire, release, lines, begin, exit } = virtualRun()
    const other = won(await clock.run(acquire()))
    const running = begin({ about: { waitMs: 5000 } })
    await clock.advance(2000)
    await clock.run(release(other))
    await clock.advance(8000)
    exit({ code: 0 })
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'ran' }, waitedMs: 2000 })
    expect(lines.filter((line) => line.includes('still busy'))).toEqual([])
  })

  test('leaves no timer behind when it gets it in time', async () => {
    const { clock, begin, exit } = virtualRun()
    exit({ code: 0 })
    expect(await clock.run(begin({ about: { waitMs: 5000 } }))).toMatchObject({ outcome: { kind: 'ran' } })
    expect(clock.pending).toBe(0)
  })

  test('gives up when it loses its guardian meanwhile', async () => {
    const { clock, operator, acquire, orders, begin, loseGuardian } = virtualRun()
    const other = won(await clock.run(acquire()))
    const running = begin()
    running.catch(() => {})
    await clock.advance(1000)
    loseGuardian()
    await expect(clock.run(running)).rejects.toThrow('no guardian could be kept alive')
    expect(orders).toEqual(['session', 'dismiss'])
    expect(operator.sessions()).toHaveLength(1)
    other.session.end()
  })
})

test('a renewal gives no more time to a command whose lock is lost', async () => {
  const { clock, key, timing, operator, orders, begin } = virtualRun()
  const running = begin({ endsInMs: 4000 })
  await clock.advance(timing.renewMs - 1000)
  operator.forceRelease(key)
  expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'key-released' } } })
  expect(clock.nowMs).toBeGreaterThan(timing.renewMs)
  expect(orders.filter((order) => order.startsWith('arm')).at(-1)).toBe('arm 4711 2250 0')
})

describe('a lock that is lost by its deadline', () => {
  test('is given back when the command is dead', async () => {
    const { clock, key, operator, orders, lines, begin, meet } = virtualRun()
    const running = begin()
    await clock.advance(1000)
    meet(RENEWALS_REFUSED)
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'deadline' } } })
    expect(operator.holder(key)).toBeUndefined()
    expect(operator.sessions()).toEqual([])
    expect(orders.map((order) => order.split(' ')[0])).toEqual(['session', 'arm', 'arm', 'disarm', 'dismiss'])
    expect(lines).toEqual([expect.stringContaining('lost the lock virtual: the session could not be renewed in time')])
  })

  test('is never given back while the command is alive: its session keeps it until it expires', async () => {
    const { clock, key, timing, operator, orders, lines, begin, meet, acquire } = virtualRun()
    const running = begin({ isKillable: false })
    await clock.advance(1000)
    meet(RENEWALS_REFUSED)
    await clock.run(running)
    expect(operator.holder(key)).toBe(operator.sessions()[0]?.id)
    expect(orders.map((order) => order.split(' ')[0])).toEqual(['session', 'arm', 'arm'])
    expect(lines).toContainEqual(expect.stringContaining("the command can't be killed (group 4711)"))
    const next = won(await clock.run(acquire()))
    expect(clock.nowMs).toBeGreaterThanOrEqual(2 * timing.ttlMs + timing.lockDelayMs)
    next.session.end()
  })

  test('is lost though the command ends in that moment', async () => {
    const { clock, timing, begin, exit, meet } = virtualRun()
    clock.after(timing.ttlMs, () => exit({ code: 0 }))
    const running = begin()
    await clock.advance(1000)
    meet(RENEWALS_REFUSED)
    expect(await clock.run(running)).toMatchObject({ outcome: { kind: 'lost', loss: { kind: 'deadline' } } })
  })
})
