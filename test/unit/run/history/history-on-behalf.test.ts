import { describe, expect, test } from 'vitest'
import '../../../../src/consul/denial.ts'
import { readKey } from '../../../../src/consul/kv.ts'
import { transact } from '../../../../src/consul/txn.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import { historyOnBehalf } from '../../../../src/run/history/history-on-behalf.ts'
import { encodeRuns, parseRuns, type RunEntry, runsKey } from '../../../../src/run/history/runs-record.ts'
import { strangeReply } from '../../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../../virtual/virtual-lock.ts'

const lost: RunEntry = {
  ...{ runId: 'web2', host: 'web2', user: 'root', command: 'sh', start: '2026-11-28T23:00:00.000Z', lost: 'unknown' },
}

/** A lock that web1's run got, and has held for five seconds when its runner is killed. */
async function heldByTheDead(more: object = {}) {
  const lock = virtualLock()
  const { clock, ctx, consul, timing, operator, key } = lock
  const who = { host: 'web1', pid: 1, user: 'root', command: ['./report.sh'], runId: 'web1' }
  const { session, fence } = won(
    await clock.run(lock.acquire({ record: (nowMs) => holderRecord(who, timing, nowMs, more) })),
  )
  session.end()
  const since = JSON.parse(Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString()).since
  await clock.advance(5000)
  const ops = (word: string, about: { key?: string; sessionId?: string; lockKey?: string } = {}) => {
    const { lockKey, ...held } = { key, sessionId: session.id, ...about }
    return clock.run(historyOnBehalf(ctx, consul(), held, word, lockKey))
  }
  return {
    ...lock,
    ops,
    fence,
    run: { runId: 'web1', host: 'web1', user: 'root', command: './report.sh', start: since },
    /** The runs in the record that would be written. */
    runs: async (word: string) => {
      const record = parseRuns((await ops(word))[0]?.value ?? '')
      return record === 'unreadable' ? record : record.runs
    },
    put: (at: string, value: string) => clock.run(transact(ctx, consul(), [{ verb: 'set', key: at, value }])),
  }
}

describe('the run of a dead runner is told of', () => {
  test.each<[string, Partial<RunEntry>]>([
    ['killed', { killed: true, ranMs: 5000 }],
    ['3', { code: 3 }],
    ['SIGTERM', { signal: 'SIGTERM' }],
    ['lost', { lost: 'unknown' }],
    ['rubbish', {}],
  ])('by the word %s', async (word, end) => {
    const { runs, run, fence } = await heldByTheDead()
    expect(await runs(word)).toEqual([{ ...run, fence, ...end }])
  })

  test('as the leader has it', async () => {
    const { ops, requests, key } = await heldByTheDead()
    requests.length = 0
    await ops('0')
    expect(requests).toEqual([key, `${key}%3Druns`].map((path) => `GET /v1/kv/${path}?consistent`))
  })

  test('behind the others, and with those that it carried on', async () => {
    const { runs, put, key } = await heldByTheDead({ unended: [lost] })
    await put(runsKey(key), encodeRuns({ runs: [{ ...lost, runId: 'web3' }] }))
    expect(await runs('0')).toMatchObject([{ runId: 'web3' }, { runId: 'web2' }, { runId: 'web1', code: 0 }])
  })

  test('beside the name’s own key where several hold the lock', async () => {
    const { ops } = await heldByTheDead()
    expect(await ops('0', { lockKey: 'consul-locker-shared' })).toMatchObject([
      { verb: 'set', key: 'consul-locker-shared=runs' },
    ])
  })

  test('as one that took no time by a clock that was set back since', async () => {
    const { key, operator, clock, ctx, consul, timing } = await heldByTheDead()
    const session = operator.holder(key) ?? ''
    const who = { host: 'web1', pid: 1, user: 'root', command: ['./report.sh'], runId: 'web1' }
    const value = holderRecord(who, timing, clock.now().wallMs + 60_000)
    await clock.run(transact(ctx, consul(), [{ verb: 'lock', key, value, session }]))
    const [written] = await clock.run(historyOnBehalf(ctx, consul(), { key, sessionId: session }, 'killed'))
    expect(parseRuns(written?.value ?? '')).toMatchObject({ runs: [{ killed: true, ranMs: 0 }] })
  })
})

describe('nothing is told', () => {
  test('when no command had begun, but for what it carried on', async () => {
    const { ops } = await heldByTheDead()
    expect(await ops('none')).toEqual([])
    const { runs } = await heldByTheDead({ unended: [lost] })
    expect(await runs('none')).toEqual([lost])
  })

  test('of a lock that another session has by now, or nobody', async () => {
    const { ops } = await heldByTheDead()
    expect(await ops('0', { sessionId: 'another' })).toEqual([])
    expect(await ops('0', { key: 'consul-locker-free' })).toEqual([])
  })

  test('of a lock that is kept without a command', async () => {
    const { ops } = await heldByTheDead({ kept: true })
    expect(await ops('0')).toEqual([])
  })

  test('where what stands there is no record of runs', async () => {
    const { ops, put, key, ctx, clock, consul } = await heldByTheDead()
    await put(runsKey(key), 'my notes')
    expect(await ops('0')).toEqual([])
    expect((await clock.run(readKey(ctx, consul(), runsKey(key)))).entry?.value).toBe('my notes')
  })

  test('when the token may not read it', async () => {
    const { ops, meet } = await heldByTheDead()
    meet(({ path }) =>
      path.includes('runs') ? { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } } : {},
    )
    expect(await ops('0')).toEqual([])
  })
})

test('a failure that may pass is the caller’s to try again', async () => {
  const { ops, meet } = await heldByTheDead()
  meet(() => ({ fault: { kind: 'refused' } }))
  await expect(ops('0')).rejects.toMatchObject({ code: 'unreachable' })
})
