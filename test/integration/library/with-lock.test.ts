import { describe, expect, test } from 'vitest'
import { FaultProxy } from '../../../scripts/provide/fault-proxy.ts'
import { acquire } from '../../../src/library/acquire-lock.ts'
import { ConsulLockerError, isConsulLockerError, isLockLost, LockLost } from '../../../src/library/errors.ts'
import { connect } from '../../../src/library/shared-connection.ts'
import { type WithLockOptions, withLock } from '../../../src/library/with-lock.ts'
import { patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { client, keyOf } from '../../kit/shared-consul.ts'
import { uniqueName } from '../../kit/unique.ts'
import { consul, rejection, untilAborted } from './scene.ts'

type Refused = [what: string, name: string | undefined, options: WithLockOptions, message: RegExp]

describe.concurrent('withLock', () => {
  test('does the work while Consul has the lock under its session, settles as it does, and leaves nothing', async () => {
    const name = uniqueName('work')
    const result = await withLock(
      name,
      async (held) => {
        const entry = await client.entry(keyOf(name))
        expect(entry).toMatchObject({ Session: held.sessionId, ModifyIndex: held.fence })
        expect(JSON.parse(await client.value(keyOf(name)))).toMatchObject({ pid: process.pid, command: ['the test'] })
        expect(held).toMatchObject({ name, key: keyOf(name) })
        expect(held.leaseLeftMs).toBeGreaterThan(0)
        held.throwIfLost()
        return 42
      },
      { consul, as: 'the test' },
    )
    expect(result).toBe(42)
    expect(await client.remains(name)).toEqual([])
  })

  test('keeps out the executable, and is kept out by it', async () => {
    const name = uniqueName('both')
    await withLock(
      name,
      async () => {
        const busy = await runLocker(['--no-wait', name, 'true'])
        expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining(`pid ${process.pid}`) })
      },
      { consul },
    )
    const run = startLocker([name, 'sh', '-c', 'echo here; read -r line'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await run.prints(/here/)
    const busy = await rejection(withLock(name, () => 'never', { consul, wait: 0 }))
    expect(busy).toBeInstanceOf(ConsulLockerError)
    expect(busy).toMatchObject({ code: 'busy', message: expect.stringMatching(/is busy: held by .*pid \d+, sh/) })
    const late = await rejection(withLock(name, () => 'never', { consul, wait: '1s' }))
    expect(late).toMatchObject({ code: 'busy', message: `${name} was still busy after 1s` })
    const waiting = withLock(name, () => 'done', { consul })
    run.child.stdin?.end('\n')
    expect(await waiting).toBe('done')
    expect((await run.ends()).code).toBe(0)
    expect(await client.remains(name)).toEqual([])
  })

  test('throws what the work throws, and gives the lock back', async () => {
    const name = uniqueName('throws')
    const own = new RangeError('mine')
    expect(await rejection(withLock(name, () => Promise.reject(own), { consul }))).toBe(own)
    const atOnce = () => {
      throw own
    }
    expect(await rejection(withLock(name, atOnce, { consul }))).toBe(own)
    expect(await client.remains(name)).toEqual([])
  })

  test('tells of a session that somebody destroyed: the signal aborts with the loss, and so it rejects', async () => {
    const name = uniqueName('destroyed')
    let seen: unknown
    const lost = await rejection(
      withLock(
        name,
        async (held) => {
          await client.destroySession(held.sessionId)
          seen = await rejection(untilAborted(held))
          expect(() => held.throwIfLost()).toThrow(LockLost)
          expect(held.leaseLeftMs).toBe(0)
          return 'done all the same'
        },
        { consul },
      ),
    )
    expect(lost).toBe(seen)
    expect(isLockLost(lost)).toBe(true)
    expect(lost).toMatchObject({ code: 'lost', lock: name, loss: 'session-gone' })
  })

  test('names a key that somebody released by hand, with what the work threw as the cause', async () => {
    const name = uniqueName('released')
    const own = new Error('stopped')
    const lost = await rejection(
      withLock(
        name,
        async (held) => {
          await client.release(held.key, held.sessionId)
          await rejection(untilAborted(held))
          throw own
        },
        { consul },
      ),
    )
    expect(lost).toMatchObject({ code: 'lost', loss: 'key-released', cause: own })
  })

  test('takes a key again that somebody deleted: the fence grows, and the work goes on', async () => {
    const name = uniqueName('deleted')
    await withLock(
      name,
      async (held) => {
        const before = held.fence
        await client.deleteKey(held.key)
        await patiently(
          () => held.fence > before,
          () => 'the fence stays',
        )
        held.throwIfLost()
      },
      { consul },
    )
    expect(await client.remains(name)).toEqual([])
  })

  test('has the work’s signal follow the caller’s, and keeps the lock until the work has ended', async () => {
    const name = uniqueName('follow')
    const stop = new AbortController()
    const own = new Error('enough')
    const thrown = await rejection(
      withLock(
        name,
        async (held) => {
          stop.abort(own)
          expect(await rejection(untilAborted(held))).toBe(own)
          held.throwIfLost()
          expect(await client.entry(keyOf(name))).toMatchObject({ Session: held.sessionId })
          throw own
        },
        { consul, signal: stop.signal },
      ),
    )
    expect(thrown).toBe(own)
    expect(await client.remains(name)).toEqual([])
  })

  test('tells who asks for the lock', async () => {
    const name = uniqueName('asked')
    let asking: ReturnType<typeof startLocker> | undefined
    await withLock(
      name,
      async ({ asked }) => {
        asking = startLocker(['unlock', '--yield', '--yes', name])
        await patiently(
          () => asked.aborted,
          () => `nobody asks: ${asking?.stderr}`,
        )
        expect(String(asked.reason)).toMatch(/\S/)
      },
      { consul },
    )
    expect((await asking?.ends())?.code).toBe(0)
  })
})

describe.concurrent('the wait for a lock', () => {
  test('ends with the caller’s reason, and leaves nothing', async () => {
    const name = uniqueName('abort')
    await using lock = await acquire(name, { consul })
    const stop = new AbortController()
    const own = new Error('not any more')
    const waiting = rejection(withLock(name, () => 'never', { consul, signal: stop.signal }))
    await client.contender(name, keyOf(name))
    stop.abort(own)
    expect(await waiting).toBe(own)
    const sessions = await client.sessions(name)
    expect(sessions.map(({ ID }) => ID)).toEqual([lock.sessionId])
    expect(await rejection(acquire(name, { consul, signal: stop.signal }))).toBe(own)
  })

  test('is in the order in which they came, library and executable alike', async () => {
    const name = uniqueName('order')
    const order: string[] = []
    const first = await acquire(name, { consul })
    const known: string[] = []
    const lineUp = async () => void known.push(await client.contender(name, keyOf(name), known))
    const one = withLock(name, () => void order.push('one'), { consul })
    await lineUp()
    const two = startLocker([name, 'sh', '-c', 'echo two; read -r line'], { stdio: ['pipe', 'pipe', 'pipe'] })
    await lineUp()
    const three = withLock(name, () => void order.push('three'), { consul })
    await lineUp()
    await first.release()
    await one
    await two.prints(/two/)
    expect(order).toEqual(['one'])
    two.child.stdin?.end('\n')
    await three
    expect(order).toEqual(['one', 'three'])
  })

  test('outlasts an agent that is away, once it has been reached', async () => {
    const name = uniqueName('away')
    await using proxy = await FaultProxy.start(consul.address)
    const lock = await acquire(name, { consul })
    const warnings: string[] = []
    const log = (level: string, sentence: string) => void (level === 'warn' && warnings.push(sentence))
    const waiting = withLock(name, () => 'had it', { consul: { address: proxy.address }, log })
    await client.contender(name, keyOf(name))
    proxy.begin('cut')
    await patiently(
      () => warnings.length > 0,
      () => 'no warning',
    )
    await proxy.end()
    await lock.release()
    expect(await waiting).toBe('had it')
    expect(warnings).toEqual([expect.stringContaining('trying again'), expect.stringContaining('answers again')])
  })

  test.for([
    [{ address: 'http://127.0.0.1:1' }, 'unreachable', /can't be reached/],
    [{ address: 'nonsense://x' }, 'usage', /not the address/],
    [{ tokenFile: '/nowhere/token' }, 'usage', /token file/],
  ] as const)('fails for %o as %s', async ([address, code, message]) => {
    const error = await rejection(acquire(uniqueName('fails'), { consul: address, wait: 0 }))
    expect(isConsulLockerError(error, code)).toBe(true)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
    expect(String((error as ConsulLockerError).hint)).not.toMatch(/--\w/)
  })

  test.for([
    ['a name', 'a b', {}, /character/],
    ['a time', undefined, { wait: 'soon' }, /wait is "soon", not a time/],
    ['a TTL', undefined, { ttl: '1s' }, /TTL of 1s is shorter/],
    ['slots', undefined, { slots: 0 }, /slots is 0, not a whole number from 1/],
    ['slots with readers', undefined, { slots: 2, shared: true }, /slots and shared can't be wanted together/],
    ['a lock twice', undefined, { also: ['x', 'x'] }, /named twice/],
    ['a period of slots', undefined, { slots: 2, oncePer: '1h' }, /oncePer is a matter of one holder/],
  ] satisfies Refused[])('refuses %s that makes no sense', async ([, name = uniqueName('odd'), options, message]) => {
    const error = await rejection(withLock(name, () => 'never', { consul, ...options }))
    expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(message) })
  })
})

describe.concurrent('a connection that is closed', () => {
  test('ends the wait of who waits by it, and nobody gets a lock by it any more', async () => {
    const name = uniqueName('closed')
    await using lock = await acquire(name, { consul })
    const shared = connect(consul)
    const waiting = rejection(withLock(name, () => 'never', { consul: shared }))
    await client.contender(name, keyOf(name))
    shared.close()
    const closed = { code: 'usage', message: 'the connection with Consul was closed' }
    expect(await waiting).toMatchObject(closed)
    expect(await rejection(acquire(uniqueName('late'), { consul: shared }))).toMatchObject(closed)
    lock.throwIfLost()
  })
})

describe.concurrent('several', () => {
  test('slots let so many in, the executable among them', async () => {
    const name = uniqueName('slots')
    const slots = { consul, slots: 2 }
    await using _one = await acquire(name, slots)
    const run = startLocker(['--slots', '2', name, 'sh', '-c', 'echo in; read -r line'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await run.prints(/in/)
    expect(await rejection(acquire(name, { ...slots, wait: 0 }))).toMatchObject({ code: 'busy' })
    run.child.stdin?.end('\n')
    await using _two = await acquire(name, { ...slots, wait: '30s' })
  })

  test('readers share a lock, and keep a writer out', async () => {
    const name = uniqueName('shared')
    {
      await using _one = await acquire(name, { consul, shared: true })
      await using _two = await acquire(name, { consul, shared: true, wait: 0 })
      expect(await rejection(acquire(name, { consul, wait: 0 }))).toMatchObject({ code: 'busy' })
      expect((await runLocker(['--no-wait', name, 'true'])).code).toBe(1)
    }
    await using _writer = await acquire(name, { consul, wait: '30s' })
  })

  test('several locks are had together or not at all', async () => {
    const [name, other] = [uniqueName('one'), uniqueName('other')]
    {
      await using both = await acquire(name, { consul, also: [other] })
      expect(await client.entry(keyOf(other))).toMatchObject({ Session: both.sessionId })
      expect((await runLocker(['--no-wait', other, 'true'])).code).toBe(1)
    }
    await using _other = await acquire(other, { consul, wait: 0 })
    expect(await rejection(acquire(name, { consul, also: [other], wait: 0 }))).toMatchObject({ code: 'busy' })
    expect(await client.remains(name)).toEqual([])
  })

  test('two locks at once in one process are two sessions, and one that is lost is not the other', async () => {
    const [one, other] = [await acquire(uniqueName('a'), { consul }), await acquire(uniqueName('b'), { consul })]
    await client.destroySession(one.sessionId)
    await rejection(untilAborted(one))
    expect(other.signal.aborted).toBe(false)
    other.throwIfLost()
    await one.release()
    await other.release()
  })
})

describe.concurrent('once in a time', () => {
  test('is by one history with the executable, both ways', async () => {
    const name = uniqueName('once')
    const options = { consul, oncePer: '1h', as: 'the-job' }
    expect(await withLock(name, () => 'ran', options)).toBe('ran')
    expect(await rejection(withLock(name, () => 'never', options))).toMatchObject({
      code: 'skipped',
      message: expect.stringMatching(`${name} is skipped: .* started it .*; once per 1h`),
    })
    const skipped = await runLocker(['--once-per', '1h', '--skip-code', '75', name, 'true'])
    expect(skipped).toMatchObject({ code: 75, stderr: expect.stringContaining('once per 1h') })
    const history = await runLocker(['history', '--json', name])
    expect(history.stdout).toContain('the-job')

    const other = uniqueName('once')
    expect((await runLocker(['--once-per', '1h', other, 'true'])).code).toBe(0)
    expect(await rejection(withLock(other, () => 'never', options))).toMatchObject({ code: 'skipped' })
  })

  test('forgets failures if only successes count', async () => {
    const name = uniqueName('success')
    const options = { consul, oncePer: '1h', onSuccess: true }
    const failing = () => {
      throw new Error('no luck')
    }
    expect(await rejection(withLock(name, failing, options))).toMatchObject({ message: 'no luck' })
    expect(await withLock(name, () => 'again', options)).toBe('again')
    expect(await rejection(withLock(name, () => 'never', options))).toMatchObject({ code: 'skipped' })
  })
})

describe.concurrent('acquire', () => {
  test('gives the lock back at the end of its block, also when that throws', async () => {
    const name = uniqueName('using')
    const thrown = await rejection(
      (async () => {
        await using lock = await acquire(name, { consul })
        expect(await client.entry(keyOf(name))).toMatchObject({ Session: lock.sessionId })
        throw new Error('in the block')
      })(),
    )
    expect(thrown).toMatchObject({ message: 'in the block' })
    expect(await client.remains(name)).toEqual([])
  })

  test('is told at most once that a lock is given back, and then knows that it isn’t ours', async () => {
    const lock = await acquire(uniqueName('twice'), { consul })
    expect(await Promise.all([lock.release(), lock.release()])).toEqual([true, true])
    expect(lock.leaseLeftMs).toBe(0)
    expect(() => lock.throwIfLost()).toThrow(/given back/)
    expect(lock.signal.aborted).toBe(false)
  })

  test('has a log that throws harm nobody', async () => {
    const name = uniqueName('log')
    const log = () => {
      throw new Error('disk full')
    }
    await using _lock = await acquire(name, { consul, log })
    expect(await rejection(acquire(name, { consul, log, wait: '500ms' }))).toMatchObject({ code: 'busy' })
  })

  test('listens to nothing of the process', async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)])
    const lock = await acquire(uniqueName('listens'), { consul })
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before)
    await lock.release()
  })
})
