import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { acquire } from '../../../src/lock/acquire.ts'
import type { AcquireOptions } from '../../../src/lock/acquire-options.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from '../../../src/lock/lock-keys.ts'
import { describePause, LONGEST_PAUSE_MS, pauseStateOf } from '../../../src/lock/pause.ts'
import { PauseRider } from '../../../src/lock/pause-rider.ts'
import { endPause, startPause } from '../../../src/lock/write-pause.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
// A virtual clock doesn't wait for it to be loaded.
import '../../../src/lock/pause-wait.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

const HOUR_MS = 3_600_000

/** A lock that heeds pauses, and an operator who pauses it. */
function pausable(policy: Policy = () => ({})) {
  const requests: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      requests.push(`${request.method} ${request.path} ${request.body ?? ''}`)
      return isOperator ? {} : policy(request)
    },
  })
  let isOperator = false
  const byOperator = async <T>(work: Promise<T>): Promise<T> => {
    isOperator = true
    return lock.clock.run(work).finally(() => {
      isOperator = false
    })
  }
  const lines: string[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: (line) => void lines.push(line) } }
  const key = pauseKeyOf(lock.key)
  let contenders = 0
  return {
    ...lock,
    lines,
    requests,
    pauseKey: key,
    contend(about: Partial<AcquireOptions> = {}) {
      const riders = [new PauseRider('virtual', lock.key)]
      const sessionName = `virtual-${++contenders}`
      return acquire(ctx, lock.consul(), { ...lock.spec, once: false, onSession() {}, riders, sessionName, ...about })
    },
    pause: (forMs: number, where = key, reason?: string) =>
      byOperator(startPause(ctx, lock.consul(), where, { forMs, by: 'root@web2', reason })),
    resume: (where = key) => byOperator(endPause(ctx, lock.consul(), where)),
    write: (value: string, where = key) =>
      byOperator(transact(ctx, lock.consul(), [{ verb: 'set', key: where, value }])),
    isPaused: (where = key) => lock.operator.entry(where) !== undefined,
  }
}

describe('a lock', () => {
  test('that meets no pause sends no request for it', async () => {
    const { clock, contend, requests } = pausable()
    won(await clock.run(contend())).session.end()
    expect(requests.map((line) => line.split(' ', 2).join(' '))).toEqual(['PUT /v1/session/create', 'PUT /v1/txn'])
    expect(requests.at(-1)).toContain(ALL_PAUSED_KEY)
  })

  test.each([
    ['its own', (key: string) => pauseKeyOf(key)],
    ['that of all', () => ALL_PAUSED_KEY],
  ])(
    'waits for the end of a pause, %s, which stands for an hour more for those whose clocks are behind',
    async (_, keyOf) => {
      const { clock, key, contend, pause, isPaused, operator, lines, release } = pausable()
      await pause(HOUR_MS, keyOf(key), 'the database moves')
      const beganMs = clock.nowMs
      const waiting = contend()
      await clock.advance(HOUR_MS - 1000)
      expect(operator.holder(key)).toBeUndefined()
      const held = won(await clock.run(waiting))
      expect(clock.nowMs - beganMs).toBeLessThan(HOUR_MS + 1000)
      expect(isPaused(keyOf(key))).toBe(true)
      const told = lines.filter((line) => line.includes('paused'))
      expect(told).toEqual([
        expect.stringMatching(
          /^waiting for virtual: .*paused until 2026-\S+Z \(59m59s more|1h more\) by root@web2: the database moves$/,
        ),
      ])
      await clock.run(release(held))
      await clock.advance(HOUR_MS)
      await clock.run(release(won(await clock.run(contend()))))
      expect(isPaused(keyOf(key))).toBe(false)
    },
  )

  test('gives up at once where one tries just once, and says why', async () => {
    const { clock, contend, pause, operator, lines } = pausable()
    await pause(HOUR_MS, ALL_PAUSED_KEY, 'network\nmaintenance\u001b[2J')
    expect(await clock.run(contend({ once: true }))).toBe('busy')
    expect(lines).toEqual([
      expect.stringMatching(/^virtual is paused, as all locks are, until .* by root@web2: network maintenance \[2J$/),
    ])
    expect(operator.sessions()).toEqual([])
  })

  test('that was taken by a claim whose reply was lost is ours, though it is paused by then', async () => {
    let claims = 0
    const { clock, contend, pause } = pausable(({ path }) =>
      path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'cut' } } : {},
    )
    const waiting = contend()
    await clock.advance(1)
    await pause(HOUR_MS)
    await clock.advance(10_000)
    const beganMs = clock.nowMs
    won(await clock.run(waiting)).session.end()
    expect(clock.nowMs).toBe(beganMs)
  })

  const OTHER = 'consul-locker-other'

  test.each([
    ['all', false, (_: string) => ALL_PAUSED_KEY, /^waiting for db: all locks are paused until /],
    ['all', true, (_: string) => ALL_PAUSED_KEY, /^db is paused, as all locks are, until /],
    ['its own', false, pauseKeyOf, /^waiting for db: paused until /],
    ['its own', true, pauseKeyOf, /^db is paused until /],
    ['another one’s', false, (_: string) => pauseKeyOf(OTHER), /^waiting for db: other is paused until /],
    ['another one’s', true, (_: string) => pauseKeyOf(OTHER), /^other is paused until /],
  ])('among others says whose pause it meets: %s (once: %j)', async (_, once, whose, sentence) => {
    const { clock, key, contend, pause, lines } = pausable()
    await pause(HOUR_MS, whose(key))
    const got = contend({ riders: [new PauseRider('db', key, OTHER)], once })
    await clock.advance(1000)
    expect(lines).toEqual([expect.stringMatching(sentence)])
    const end = await clock.run(got)
    if (!once) won(end).session.end()
  })

  test.each([
    [1, 2, 'paused until'],
    [2, 1, 'all locks are paused until'],
  ])('tells of the longer one of two pauses, that of all for %i h and its own for %i h', async (all, own, said) => {
    const { clock, contend, pause, lines } = pausable()
    await pause(own * HOUR_MS)
    await pause(all * HOUR_MS, ALL_PAUSED_KEY)
    won(await clock.run(contend())).session.end()
    expect(lines.filter((line) => line.includes('paused'))).toEqual([
      expect.stringMatching(new RegExp(`^waiting for virtual: ${said} `)),
    ])
  })

  test('goes on at once when it is resumed', async () => {
    const { clock, contend, pause, resume, key, operator } = pausable()
    await pause(HOUR_MS)
    const waiting = contend()
    await clock.advance(60_000)
    expect(operator.holder(key)).toBeUndefined()
    await resume()
    await clock.advance(100)
    expect(operator.holder(key)).toBeDefined()
    won(await waiting).session.end()
  })

  test('waits for the longer one of two pauses, and for one that was prolonged', async () => {
    const { clock, contend, pause, key, operator } = pausable()
    await pause(HOUR_MS)
    await pause(2 * HOUR_MS, ALL_PAUSED_KEY)
    const waiting = contend()
    await clock.advance(HOUR_MS)
    await pause(3 * HOUR_MS)
    await clock.advance(2 * HOUR_MS)
    expect(operator.holder(key)).toBeUndefined()
    await clock.advance(HOUR_MS + 1000)
    expect(operator.holder(key)).toBeDefined()
    won(await waiting).session.end()
  })

  test('that is held is left alone, and those in line for it wait, and go on in their order', async () => {
    const { clock, contend, pause, release, key, operator } = pausable()
    const first = won(await clock.run(contend()))
    const order: number[] = []
    const others = [1, 2, 3].map(async (n) => {
      const held = won(await contend())
      order.push(n)
      await release(held)
    })
    await clock.advance(1000)
    await pause(HOUR_MS)
    await clock.advance(60_000)
    expect(operator.holder(key)).toBe(first.sessionId)
    await clock.run(release(first))
    await clock.advance(HOUR_MS - 120_000)
    expect({ order, holder: operator.holder(key) }).toEqual({ order: [], holder: undefined })
    await clock.run(Promise.all(others))
    expect(order).toEqual([1, 2, 3])
    expect(operator.sessions()).toEqual([])
  })

  test('is had in the order in which they came who came during the pause', async () => {
    const { clock, contend, pause, release } = pausable()
    await pause(HOUR_MS)
    const order: number[] = []
    const all: Promise<void>[] = []
    for (const n of [1, 2, 3, 4]) {
      all.push(
        contend().then((got) => {
          order.push(n)
          return release(won(got)).then(() => {})
        }),
      )
      await clock.advance(30_000)
    }
    await clock.run(Promise.all(all))
    expect(order).toEqual([1, 2, 3, 4])
  })

  test('has a place in line by each pause that it meets, though one has ended before it could be looked at', async () => {
    const all = pausable((request) => fateOf(request))
    const { clock, ctx, consul, contend, pause, pauseKey, key, operator } = all
    const record = JSON.stringify({ until: '2026-01-01T02:00:00Z', since: '2026-01-01T00:00:00Z', by: 'x' })
    // What happens while the look, and the claim after it, are under way.
    const meanwhile: [string, TxnOp][] = [
      ['get-tree', { verb: 'delete', key: pauseKey }],
      ['"lock"', { verb: 'set', key: pauseKey, value: record }],
    ]
    const fateOf: Policy = ({ body }) => {
      const [asked, op] = meanwhile[0] ?? []
      if (!asked || !op || !body?.includes(asked)) return {}
      meanwhile.shift()
      clock.after(5, () => transact(ctx, consul(), [op]))
      return { outMs: 10 }
    }
    await pause(HOUR_MS)
    const waiting = contend()
    await clock.advance(1000)
    expect(meanwhile).toEqual([])
    expect(operator.entry(`${key}=queue`)).toBeDefined()
    won(await clock.run(waiting)).session.end()
  })

  test('sends few requests while it waits for the end of a pause', async () => {
    const { clock, contend, pause, requests } = pausable()
    await pause(HOUR_MS)
    const all = [1, 2, 3].map(() => contend())
    await clock.advance(60_000)
    const before = requests.length
    const writes = () => requests.filter((line) => line.includes('"lock"')).length
    const writesBefore = writes()
    await clock.advance(600_000)
    // Each a renewal every 10 s, and every 30 s a long poll and a look at both pauses.
    expect(requests.length - before).toBeLessThanOrEqual(3 * (60 + 2 * 20))
    expect(writes()).toBe(writesBefore)
    for (const one of all) won(await clock.run(one)).session.end()
  })

  test('whose session dies during a pause waits on with another one', async () => {
    const { clock, contend, pause, operator } = pausable()
    await pause(HOUR_MS)
    const waiting = contend()
    await clock.advance(60_000)
    const [session = ''] = operator.sessions().map(({ id }) => id)
    operator.destroySession(session)
    const held = won(await clock.run(waiting))
    held.session.end()
    expect(held.sessionId).not.toBe(session)
  })

  test.each([
    '',
    '1',
    'null',
    '[]',
    '{}',
    '{"until":"soon","since":"2026-01-01","by":"x"}',
    `{"until":"${'9'.repeat(30)}","since":"2026-01-01","by":"x"}`,
    '{"until":"2099-01-01T00:00:00Z","since":"2026-01-01T00:00:00Z","by":"x"}',
  ])('is paused by the record %j, until somebody resumes it', async (value) => {
    const { clock, contend, write, resume, operator, key, lines } = pausable()
    await write(value)
    const waiting = contend()
    await clock.advance(2 * HOUR_MS)
    expect(operator.holder(key)).toBeUndefined()
    expect(lines.filter((line) => line.includes('resume'))).toEqual([
      'waiting for virtual: paused until somebody ends that (consul-locker resume virtual): who paused left no record that can be read',
    ])
    await resume()
    won(await clock.run(waiting)).session.end()
  })
})

describe('a pause', () => {
  test('gets longer by another one, and never shorter', async () => {
    const { clock, pause } = pausable()
    expect(await pause(HOUR_MS)).toMatchObject({ before: { kind: 'none' }, isKept: false })
    const longer = await pause(2 * HOUR_MS)
    expect(longer).toMatchObject({ before: { kind: 'on' }, isKept: false })
    expect(await pause(HOUR_MS)).toMatchObject({ pause: longer.pause, isKept: true })
    await clock.advance(3 * HOUR_MS)
    expect(await pause(HOUR_MS)).toMatchObject({ before: { kind: 'over' }, isKept: false })
  })

  test('takes the place of a record that can’t be read', async () => {
    const { pause, write } = pausable()
    await write('garbage')
    expect(await pause(HOUR_MS)).toMatchObject({ before: { kind: 'on', pause: undefined }, isKept: false })
  })

  test('is ended once, by anybody', async () => {
    const { pause, resume, isPaused } = pausable()
    await pause(HOUR_MS)
    expect(await resume()).toMatchObject({ kind: 'on', pause: { by: 'root@web2' } })
    expect(isPaused()).toBe(false)
    expect(await resume()).toEqual({ kind: 'none' })
  })

  const NOW_MS = Date.parse('2026-11-28T12:00:00Z')
  const record = (until: string) =>
    ({ value: JSON.stringify({ until, since: '2026-11-28T00:00:00Z', by: 'x' }) }) as Entry

  test.each([
    ['2026-11-28T11:00:00.000Z', { kind: 'over', isStale: true }],
    ['2026-11-28T11:00:00.001Z', { kind: 'over', isStale: false }],
    ['2026-11-28T12:00:00.000Z', { kind: 'over', isStale: false }],
    ['2026-11-28T12:00:00.001Z', { kind: 'on', untilMs: NOW_MS + 1 }],
    [new Date(NOW_MS + LONGEST_PAUSE_MS).toISOString(), { kind: 'on', untilMs: NOW_MS + LONGEST_PAUSE_MS }],
  ])('until %s is %o at noon', (until, state) => {
    expect(pauseStateOf(record(until), NOW_MS)).toMatchObject({ ...state, pause: { until } })
  })

  test('is told with its end, who began it, and why', () => {
    const pause = { until: '2026-11-28T13:30:00.250Z', since: '2026-11-28T00:00:00Z', by: 'root@web1' }
    expect(describePause(pause, NOW_MS)).toBe('until 2026-11-28T13:30:00Z (1h30m more) by root@web1')
    expect(describePause({ ...pause, reason: 'a\nb' }, NOW_MS)).toBe(
      'until 2026-11-28T13:30:00Z (1h30m more) by root@web1: a b',
    )
  })
})

describe('a token that may not make conditions of pauses', () => {
  /** What Consul says to who may read keys that end so, and not write them. */
  const denying =
    (end: string): Policy =>
    ({ path, body = '[]' }) => {
      if (path !== '/v1/txn') return {}
      const ops = JSON.parse(body.replaceAll(/"Flags":\d+/g, '"Flags":0')) as { KV: { Verb: string; Key: string } }[]
      const errors = ops.flatMap(({ KV }, at) =>
        KV.Key.endsWith(end) && KV.Verb !== 'get-tree' ? [{ OpIndex: at, What: 'Permission denied' }] : [],
      )
      if (errors.length === 0) return {}
      const text = JSON.stringify({ Results: null, Errors: errors })
      const reply = { ...strangeReply(409, text), headers: { 'content-type': 'application/json' } }
      return { fault: { kind: 'answered', reply } }
    }
  const denies = denying('=pause')

  test('has them looked for before each try, and goes on when there is none', async () => {
    const { clock, contend, requests } = pausable(denies)
    won(await clock.run(contend())).session.end()
    const txns = requests.filter((line) => line.includes('/v1/txn'))
    expect(txns.map((line) => (line.includes('get-tree') ? 'look' : 'claim'))).toEqual(['claim', 'look', 'claim'])
  })

  test('is held by those that it may read', async () => {
    const { clock, contend, pause, key, operator, isPaused } = pausable(denies)
    await pause(HOUR_MS)
    const waiting = contend()
    await clock.advance(HOUR_MS - 1000)
    expect(operator.holder(key)).toBeUndefined()
    won(await clock.run(waiting)).session.end()
    expect(isPaused()).toBe(true)
  })

  test('has the others ride with the claim yet', async () => {
    const { clock, contend, requests, pauseKey } = pausable(denying(ALL_PAUSED_KEY))
    won(await clock.run(contend())).session.end()
    const claim = requests.findLast((line) => line.includes('"lock"'))
    expect(claim).toContain(`"check-not-exists","Key":"${pauseKey}"`)
    expect(claim).not.toContain(ALL_PAUSED_KEY)
  })
})
