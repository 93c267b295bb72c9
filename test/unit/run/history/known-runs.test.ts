import { describe, expect, test } from 'vitest'
import { transact } from '../../../../src/consul/txn.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import { LOCK_FLAGS } from '../../../../src/lock/lock-keys.ts'
import { knownIn, knownOfLock, knownRuns } from '../../../../src/run/history/known-runs.ts'
import { encodeRuns, type RunEntry, runsKey } from '../../../../src/run/history/runs-record.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const SINCE = '2026-11-28T23:00:00.000Z'
const KEY = 'consul-locker-a'
const run = (runId: string, about: Partial<RunEntry> = {}): RunEntry => ({
  ...{ runId, host: 'web3', user: 'root', command: 'sh', start: SINCE },
  ...about,
})
const lost = (runId: string) => run(runId, { lost: 'unknown' })
const recordOf = (runId: string, more: object = {}) =>
  holderRecord(
    { host: 'web3', pid: 1, user: 'root', command: ['sh'], runId },
    { lockDelayMs: 1 },
    Date.parse(SINCE),
    more,
  )
const entry = (value: string, session?: string) => ({
  ...{ key: KEY, value, session, flags: LOCK_FLAGS, lockIndex: 1, createIndex: 1, modifyIndex: 1 },
})

describe('of a lock’s runs is known', () => {
  test('nothing where nothing stands', () => {
    expect(knownIn(KEY, undefined, { runs: [] })).toEqual({ ended: [] })
  })

  test('what its record tells: those that ended, the last success and the last failure', () => {
    const [first, second] = [run('1', { code: 0 }), run('2', { code: 1 })]
    expect(knownIn(KEY, undefined, { runs: [first, second] })).toMatchObject({
      ended: [first, second],
      success: first,
      failure: second,
    })
    expect(knownIn(KEY, undefined, { runs: [first], failure: second })).toMatchObject({
      success: first,
      failure: second,
    })
  })

  test('the one that holds it, which has not ended', () => {
    const known = knownIn(KEY, entry(recordOf('2'), 's'), { runs: [run('1', { code: 0 })] })
    expect(known.running).toEqual(run('2'))
    expect(known.ended).toEqual([run('1', { code: 0 })])
    expect(known.failure).toBeUndefined()
  })

  test('the one that never gave it back, as the last failure', () => {
    const known = knownIn(KEY, entry(recordOf('2')), { runs: [run('1', { code: 0 })] })
    expect(known).toMatchObject({ ended: [{ runId: '1' }, lost('2')], failure: lost('2') })
    expect(known.running).toBeUndefined()
  })

  test('those that its holder carries on', () => {
    const known = knownIn(KEY, entry(recordOf('3', { unended: [lost('2')] }), 's'), { runs: [run('1', { code: 0 })] })
    expect(known).toMatchObject({ ended: [{ runId: '1' }, lost('2')], running: run('3') })
  })

  test('each run once, and as its record tells', () => {
    const held = entry(recordOf('2', { unended: [lost('1')] }), 's')
    const runs = [run('1', { code: 0 }), run('2', { code: 3 })]
    const known = knownIn(KEY, held, { runs })
    expect(known.ended).toEqual(runs)
    expect(known.running).toBeUndefined()
  })

  test('that one which had lost it before its command began has it again', () => {
    const known = knownIn(KEY, entry(recordOf('1'), 's'), { runs: [lost('1'), lost('0')] })
    expect(known).toMatchObject({ ended: [lost('0')], running: run('1') })
  })

  test('no run of a lock that is kept without a command', () => {
    expect(knownIn(KEY, entry(recordOf('1', { kept: true }), 's'), { runs: [] }).running).toBeUndefined()
  })
})

describe('what Consul knows', () => {
  const lab = () => {
    const { clock, ctx, consul, key, requests } = virtualLock()
    const put = (at: string, value: string, flags = LOCK_FLAGS) =>
      clock.run(transact(ctx, consul(), [{ verb: 'set', key: at, value, flags }]))
    return {
      key,
      put,
      requests,
      known: () => clock.run(knownRuns(ctx, consul(), key)),
      knownOfLock: () => clock.run(knownOfLock(ctx, consul(), key)),
    }
  }

  test('stands at the lock and beside it', async () => {
    const { key, put, known, requests } = lab()
    expect(await known()).toEqual({ ended: [] })
    expect(requests).toEqual([key, `${key}%3Druns`].map((path) => `GET /v1/kv/${path}?consistent`))
    await put(key, recordOf('2'))
    await put(runsKey(key), encodeRuns({ runs: [run('1', { code: 0 })] }))
    expect(await known()).toMatchObject({ entry: { key }, ended: [{ runId: '1' }, lost('2')] })
  })

  test('is nothing where data stands, whatever that looks like', async () => {
    const { key, put, known } = lab()
    await put(key, recordOf('2'), 0n)
    expect(await known()).toMatchObject({ ended: [], success: undefined, failure: undefined })
  })

  test('is what the lock itself tells where its record is none', async () => {
    const { key, put, known, knownOfLock } = lab()
    await put(key, recordOf('2'))
    await put(runsKey(key), 'my notes')
    const trouble = { code: 'malformed', hint: expect.stringContaining(`consul kv delete ${key}=runs`) }
    await expect(known()).rejects.toMatchObject(trouble)
    expect(await knownOfLock()).toMatchObject({ known: { ended: [lost('2')] }, trouble })
  })
})
