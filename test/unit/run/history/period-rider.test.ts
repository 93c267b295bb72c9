import { describe, expect, test } from 'vitest'
import type { Context } from '../../../../src/base/context.ts'
import type { Entry } from '../../../../src/consul/kv.ts'
import type { RetryPolicy } from '../../../../src/consul/retry.ts'
import { transact } from '../../../../src/consul/txn.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import type { Attempt, Rider } from '../../../../src/lock/rider.ts'
import type { Period } from '../../../../src/run/history/period.ts'
import { inPeriod, PeriodRider } from '../../../../src/run/history/period-rider.ts'
import { encodeRuns, parseRuns, runsKey } from '../../../../src/run/history/runs-record.ts'
import { RunsRider } from '../../../../src/run/history/runs-rider.ts'
import { unendedRuns } from '../../../../src/run/history/unended-runs.ts'
import type { Policy } from '../../../virtual/faulty-transport.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { virtualLock, won } from '../../../virtual/virtual-lock.ts'

const HOURLY: Period = { oncePerMs: 3_600_000, onSuccess: false }

/** A lock under which commands run once in a period, on a wire that can go bad. */
function periodic() {
  let fateOf: Policy = () => ({})
  const requests: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      requests.push(`${request.method} ${request.path}`)
      return fateOf(request)
    },
  })
  const { key, clock, timing, consul, operator } = lock
  const said: string[] = []
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: (line) => void said.push(line) } }
  const whoIs = (host: string) => ({ host, pid: 1, user: 'root', command: ['./report.sh'] })
  const riderOf = (runId: string, period: Period = HOURLY) =>
    new PeriodRider(consul(), 'report', { lockKey: key, runId, who: () => whoIs(runId) }, period)
  const contend = (runId: string, period: Period = HOURLY, once = false) => {
    const rider = riderOf(runId, period)
    const record: Parameters<typeof lock.acquire>[0] = {
      riders: [rider],
      once,
      record: (nowMs, seen) =>
        holderRecord({ ...whoIs(runId), runId }, timing, nowMs, { unended: unendedRuns(seen, rider.run) }),
    }
    return { rider, won: lock.acquire(record, ctx) }
  }
  return {
    ...lock,
    said,
    requests,
    riderOf,
    contend,
    meet(next: Policy) {
      fateOf = next
    },
    /** What stands there of periods. */
    period: () => {
      const entry = operator.entry(runsKey(key))
      const record = parseRuns(Buffer.from(entry?.value ?? '', 'base64').toString())
      return record === 'unreadable' ? record : record.period
    },
    put: (value: string) => clock.run(transact(ctx, consul(), [{ verb: 'set', key: runsKey(key), value }])),
  }
}

describe('a run that comes once in a period', () => {
  test('reads the record, takes the lock and records its start: one request more, and no write', async () => {
    const { clock, contend, requests, period } = periodic()
    const held = won(await clock.run(contend('web1').won))
    held.session.end()
    expect(requests).toEqual(['GET /v1/kv/consul-locker-virtual%3Druns', 'PUT /v1/session/create', 'PUT /v1/txn'])
    expect(period()).toEqual({ last: expect.objectContaining({ runId: 'web1', host: 'web1' }) })
  })

  test('is the only one of many who come at once', async () => {
    const { clock, contend, said, operator } = periodic()
    const all = ['web1', 'web2', 'web3', 'web4'].map((runId) => contend(runId).won)
    await clock.advance(60_000)
    const first = won((await all[0]) ?? 'busy')
    expect(await Promise.all(all.slice(1))).toEqual(['skipped', 'skipped', 'skipped'])
    expect(said.filter((line) => line.includes('skipped'))).toHaveLength(3)
    expect(operator.sessions()).toHaveLength(1)
    first.session.end()
  })

  const look = (path: string) => `GET /v1/kv/${path}`
  const [RUNS, LOCK] = [look('consul-locker-virtual%3Druns'), look('consul-locker-virtual')]

  test('is skipped while the last one runs', async () => {
    const { clock, contend, requests, said } = periodic()
    won(await clock.run(contend('web1').won)).session.end()
    requests.length = 0
    expect(await clock.run(contend('web2').won)).toBe('skipped')
    expect(requests).toEqual([RUNS, LOCK])
    expect(said).toEqual(['report is skipped: web1 started it just now (it still runs); once per 1h'])
  })

  test('is skipped when the last one has ended, and says how', async () => {
    const { clock, contend, release, requests, said } = periodic()
    const begun = contend('web1')
    const first = won(await clock.run(begun.won))
    begun.rider.ended({ outcome: { kind: 'ran', status: { code: 3 } }, waitedMs: 0, ranMs: 5 })
    await clock.run(release(first))
    await clock.advance(60_000)
    requests.length = 0
    expect(await clock.run(contend('web2').won)).toBe('skipped')
    expect(requests).toEqual([RUNS])
    expect(said).toEqual(['report is skipped: web1 started it 1m ago (exit 3); once per 1h'])
  })

  test('is skipped when nobody knows how the last one ended, after another look', async () => {
    const { clock, contend, requests, said, operator, key } = periodic()
    won(await clock.run(contend('web1').won)).session.end()
    operator.destroySession(operator.holder(key) ?? '')
    requests.length = 0
    expect(await clock.run(contend('web2').won)).toBe('skipped')
    expect(requests).toEqual([RUNS, LOCK, RUNS, LOCK])
    expect(said).toEqual(['report is skipped: web1 started it just now (end unknown); once per 1h'])
  })

  test('is skipped when another run has the lock, and nobody knows how the last one ended', async () => {
    const { clock, contend, acquire, said, operator, key } = periodic()
    won(await clock.run(contend('web1').won)).session.end()
    operator.deleteKey(key)
    won(await clock.run(acquire())).session.end()
    expect(await clock.run(contend('web2').won)).toBe('skipped')
    expect(said).toEqual(['report is skipped: web1 started it just now (end unknown); once per 1h'])
  })

  test('learns how the last one ended, if that ends while it looks', async () => {
    const { clock, contend, release, meet, requests, said } = periodic()
    const begun = contend('web1')
    const first = won(await clock.run(begun.won))
    begun.rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, waitedMs: 0, ranMs: 5 })
    meet(({ path }) => (path.endsWith('virtual') ? { outMs: 1000 } : {}))
    requests.length = 0
    const second = contend('web2').won
    await clock.advance(500)
    await clock.run(release(first))
    expect(await clock.run(second)).toBe('skipped')
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual([RUNS, LOCK, RUNS])
    expect(said).toEqual(['report is skipped: web1 started it 1s ago (exit 0); once per 1h'])
  })

  test('reads anew when another one has run between its look and its claim', async () => {
    const { clock, contend, release, meet, said } = periodic()
    meet(({ path }) => (path === '/v1/txn' && clock.nowMs === 0 ? { outMs: 5000 } : {}))
    const late = contend('web2').won
    await clock.advance(1000)
    const begun = contend('web1')
    const first = won(await clock.run(begun.won))
    begun.rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, waitedMs: 0, ranMs: 5 })
    await clock.run(release(first))
    expect(await clock.run(late)).toBe('skipped')
    expect(said).toEqual(['report is skipped: web1 started it 4s ago (exit 0); once per 1h'])
  })

  test('is refused where the last one began so far ahead that a clock must be wrong', async () => {
    const { clock, contend, put, operator } = periodic()
    const start = new Date(clock.now().wallMs + 3_600_000).toISOString()
    const last = { runId: 'web1', host: 'web1', user: 'root', command: 'sh', start }
    await put(encodeRuns({ runs: [], period: { last } }))
    await expect(clock.run(contend('web2').won)).rejects.toMatchObject({
      code: 'usage',
      message: `web1 ran report at ${start}, 1h from now: a clock is wrong`,
      hint: expect.stringContaining('consul kv delete consul-locker-virtual=runs'),
    })
    expect(operator.sessions()).toEqual([])
  })

  test('takes its start back when it never began', async () => {
    const { clock, contend, release, period } = periodic()
    const begun = contend('web1')
    const first = won(await clock.run(begun.won))
    begun.rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, waitedMs: 0, ranMs: 5 })
    await clock.run(release(first))
    await clock.advance(3_600_000)
    const unused = won(await clock.run(contend('web2').won))
    expect(period()).toMatchObject({ last: { runId: 'web2' }, success: { runId: 'web1' } })
    await clock.run(release(unused))
    expect(period()).toMatchObject({ last: { runId: 'web1', code: 0 } })
  })

  test('takes its start back when it leaves without having learned of it', async () => {
    const { clock, contend, meet, period, operator, key } = periodic()
    let claims = 0
    meet(({ path }) => (path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'reply-lost' } } : {}))
    await expect(clock.run(contend('web1', HOURLY, true).won)).rejects.toMatchObject({ code: 'unreachable' })
    expect(period()).toBeUndefined()
    expect(operator.entry(key)).toBeUndefined()
  })

  test('has the lock though the reply to its first claim was lost', async () => {
    const { clock, contend, meet, period } = periodic()
    let claims = 0
    meet(({ path }) => (path === '/v1/txn' && ++claims === 1 ? { fault: { kind: 'cut' } } : {}))
    const held = won(await clock.run(contend('web1').won))
    held.session.end()
    expect(period()).toEqual({ last: expect.objectContaining({ runId: 'web1' }) })
  })

  test.each(['my notes', '{"runs":[{}]}'])('is refused in words where this stands: %s', async (value) => {
    const { clock, contend, put, operator } = periodic()
    await put(value)
    await expect(clock.run(contend('web1').won)).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('consul kv delete consul-locker-virtual=runs'),
    })
    expect(operator.sessions()).toEqual([])
  })
})

describe('what rides with the claim of such a run', () => {
  const retrying: RetryPolicy = (_, task) => task()
  const FIRST = { seen: undefined, isOurs: false, nowMs: 0 }
  const START = '1970-01-01T00:00:00.000Z'
  const runOf = (runId: string) => ({ runId, host: runId, user: 'root', command: './report.sh', start: START })
  /** What the release writes. */
  const left = (rider: PeriodRider) => parseRuns(rider.releasing()[0]?.value ?? '')

  /** The rider of web1's run, behind one of web0's long ago. */
  async function behindAnother() {
    const lab = periodic()
    const { clock, ctx, put, riderOf, key } = lab
    const earlier = { last: runOf('web0') }
    await put(encodeRuns({ runs: [], period: earlier }))
    await clock.advance(3_600_000)
    const rider = riderOf('web1')
    const prepare = (attempt: Attempt) => clock.run(rider.prepare(ctx, attempt, retrying))
    const entry = (value: string): Entry => ({
      ...{ key: runsKey(key), value, flags: 0n, session: undefined, lockIndex: 0, createIndex: 1, modifyIndex: 1 },
    })
    return { ...lab, rider, earlier, prepare, entry }
  }

  test('is its start, on condition that the record is as it was read', async () => {
    const { rider, prepare, operator, key } = await behindAnother()
    expect(await prepare(FIRST)).toBe('go')
    const [claimed, ...others] = rider.claiming(FIRST)
    expect(claimed).toMatchObject({ verb: 'cas', index: operator.entry(runsKey(key))?.modifyIndex })
    expect(parseRuns(claimed?.value ?? '')).toEqual({ runs: [], period: { last: runOf('web1') } })
    expect(others).toEqual([])
  })

  test('is its start, too, where the record tells of no other', async () => {
    const { rider, prepare, put } = await behindAnother()
    await put(encodeRuns({ runs: [], period: {} }))
    expect(await prepare(FIRST)).toBe('go')
    expect(parseRuns(rider.claiming(FIRST)[0]?.value ?? '')).toMatchObject({ period: { last: { runId: 'web1' } } })
  })

  test('takes back its own start, which an earlier claim had recorded unknown to it, to what came before', async () => {
    const { rider, earlier, prepare, put } = await behindAnother()
    await prepare(FIRST)
    const [claimed] = rider.claiming(FIRST)
    await put(claimed?.value ?? '')
    rider.refused()
    expect(await prepare(FIRST)).toBe('go')
    rider.claiming(FIRST)
    rider.granted([])
    expect(left(rider)).toEqual({ runs: [], period: earlier })
  })

  test('is a look alone when the lock is ours already, for nothing may refuse then', async () => {
    const { rider, prepare, entry, requests, key } = await behindAnother()
    await prepare(FIRST)
    rider.claiming(FIRST)
    rider.refused()
    requests.length = 0
    const again = { ...FIRST, isOurs: true }
    expect(await prepare(again)).toBe('go')
    expect(requests).toEqual([])
    expect(rider.claiming(again)).toMatchObject([{ verb: 'get-tree' }])
    const others = [runOf('web2')]
    rider.granted([
      { ...entry('the holder'), key },
      entry(encodeRuns({ runs: others, period: { last: runOf('web1') } })),
    ])
    rider.ended({ outcome: { kind: 'ran', status: { code: 0 } }, waitedMs: 0 })
    expect(left(rider)).toMatchObject({ runs: [{ runId: 'web2' }, { runId: 'web1', code: 0 }] })
  })

  test('tells what stands there by what it wrote, whatever else the reply has', async () => {
    const { rider, prepare, entry, key } = await behindAnother()
    await prepare(FIRST)
    rider.claiming(FIRST)
    rider.granted([{ ...entry('the holder'), key }, entry('')])
    rider.ended({ outcome: { kind: 'ran', status: { code: 3 } }, waitedMs: 0 })
    expect(left(rider)).toMatchObject({ runs: [{ runId: 'web1' }], period: { last: { runId: 'web1', code: 3 } } })
  })
})

test('a lock comes once in a period with another history, and the same other riders', () => {
  const { consul, spec, key } = virtualLock()
  const history = new RunsRider({ lockKey: key, runId: 'web1', who: () => ({ host: '', user: '', command: [] }) })
  const other: Rider = { claiming: () => [] }
  const asked = { lock: { ...spec, name: 'report', riders: [other, history] }, history, waitMs: 5 }
  const periodic = inPeriod(consul(), asked, HOURLY)
  expect(periodic).toEqual({
    ...asked,
    lock: { ...asked.lock, riders: [other, periodic.history] },
    history: expect.any(PeriodRider),
  })
  expect(periodic.lock.riders?.at(1)).toBe(periodic.history)
  expect(periodic.history.run).toBe(history.run)
  const alone = inPeriod(consul(), { lock: spec, history }, HOURLY)
  expect(alone.lock.riders).toEqual([alone.history])
  expect(() => inPeriod(consul(), { lock: spec }, HOURLY)).toThrow('a period is a matter')
})
