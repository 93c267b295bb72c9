import { describe, expect, test } from 'vitest'
import type { Context } from '../../../../src/base/context.ts'
import { transact } from '../../../../src/consul/txn.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import type { Period } from '../../../../src/run/history/period.ts'
import { PeriodRider } from '../../../../src/run/history/period-rider.ts'
import { parseRuns, runsKey } from '../../../../src/run/history/runs-record.ts'
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
  const contend = (runId: string, period: Period = HOURLY, once = false) => {
    const who = { host: runId, pid: 1, user: 'root', command: ['./report.sh'] }
    const run = { lockKey: key, runId, who: () => who }
    const rider = new PeriodRider(consul(), 'report', run, period)
    const record: Parameters<typeof lock.acquire>[0] = {
      riders: [rider],
      once,
      record: (nowMs, seen) => holderRecord({ ...who, runId }, timing, nowMs, { unended: unendedRuns(seen, run) }),
    }
    return { rider, won: lock.acquire(record, ctx) }
  }
  return {
    ...lock,
    said,
    requests,
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
