import { describe, expect, test } from 'vitest'
import '../../../../src/consul/denial.ts'
import type { Entry } from '../../../../src/consul/kv.ts'
import { transact } from '../../../../src/consul/txn.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import { LOCK_FLAGS } from '../../../../src/lock/lock-keys.ts'
import { Loss } from '../../../../src/lock/loss.ts'
import { encodeRuns, parseRuns, type RunEntry, runsKey } from '../../../../src/run/history/runs-record.ts'
import { RunsRider } from '../../../../src/run/history/runs-rider.ts'
import { unendedRuns } from '../../../../src/run/history/unended-runs.ts'
import type { RunResult } from '../../../../src/run/run-outcome.ts'
import { on, strangeReply } from '../../../virtual/faulty-transport.ts'
import { virtualLock, won } from '../../../virtual/virtual-lock.ts'

const RAN: RunResult = { outcome: { kind: 'ran', status: { code: 3 } }, fence: 7, waitedMs: 20, ranMs: 5000 }
const DENIED = on('/v1/kv/', { fault: { kind: 'answered', reply: strangeReply(403, 'Permission denied') } })

const NEVER_LOCKED = { flags: LOCK_FLAGS, session: undefined, lockIndex: 1, createIndex: 1, modifyIndex: 1 }
const run = (runId: string): RunEntry => ({
  ...{ runId, host: 'web3', user: 'root', command: 'sh', start: '2026-11-28T23:00:00.000Z', code: 0 },
})
const who = (host: string) => ({ host, pid: 1, user: 'root', command: ['./report.sh'] })
const recordOf = (runId: string) => holderRecord({ ...who(runId), runId }, { lockDelayMs: 1000 }, 0)

/** A lock whose runs are recorded. */
function recorded() {
  const lock = virtualLock()
  const { key, clock, ctx, consul, timing, operator } = lock
  const riderOf = (runId: string, isShared = false) =>
    new RunsRider({ lockKey: key, runId, isShared, who: () => who(runId) })
  const take = async (rider: RunsRider) => {
    const { runId } = rider.run
    const record = (nowMs: number, seen?: Entry) =>
      holderRecord({ ...who(runId), runId }, timing, nowMs, { unended: unendedRuns(seen, rider.run) })
    return won(await clock.run(lock.acquire({ riders: [rider], record })))
  }
  return {
    ...lock,
    riderOf,
    take,
    stands: () => Buffer.from(operator.entry(runsKey(key))?.value ?? '', 'base64').toString(),
    put: (value: string) => clock.run(transact(ctx, consul(), [{ verb: 'set', key: runsKey(key), value }])),
  }
}

/** The ids of those that a record tells of. */
function idsIn(value: string): readonly string[] {
  const record = parseRuns(value)
  if (record === 'unreadable') throw new Error('it is unreadable')
  return record.runs.map(({ runId }) => runId)
}

describe('history', () => {
  test('is read with the claim and written with the release: no request more', async () => {
    const { clock, riderOf, take, release, requests, stands } = recorded()
    await clock.advance(1000)
    const rider = riderOf('web1')
    const held = await take(rider)
    rider.ended(RAN)
    await clock.run(release(held))
    expect(requests.map((request) => request.replace(/destroy.*/, 'destroy'))).toEqual([
      'PUT /v1/session/create',
      'PUT /v1/txn',
      'PUT /v1/txn',
      'PUT /v1/session/destroy',
    ])
    const start = new Date(clock.now().wallMs).toISOString()
    const run = { runId: 'web1', host: 'web1', user: 'root', command: './report.sh', start }
    expect(JSON.parse(stands())).toEqual({ runs: [{ ...run, ranMs: 5000, waitedMs: 20, fence: 7, code: 3 }] })
  })

  test('of a lock that is given back unused is as it was', async () => {
    const { clock, riderOf, take, release, operator, key } = recorded()
    const rider = riderOf('web1')
    const held = await take(rider)
    expect(rider.releasing()).toEqual([])
    await clock.run(release(held))
    expect(operator.entry(runsKey(key))).toBeUndefined()
  })

  test('keeps what it told before, and has no field that nobody knows', async () => {
    const { clock, riderOf, take, release, stands } = recorded()
    const [first, second] = [riderOf('web1'), riderOf('web2')]
    const held = await take(first)
    first.ended({ outcome: { kind: 'lost', loss: new Loss('deadline', 'it was not renewed') }, waitedMs: 0 })
    await clock.run(release(held))
    expect(Object.keys(JSON.parse(stands()).runs[0])).toEqual([
      ...['runId', 'host', 'user', 'command', 'start', 'waitedMs', 'lost'],
    ])
    const next = await take(second)
    second.ended(RAN)
    await clock.run(release(next))
    expect(idsIn(stands())).toEqual(['web1', 'web2'])
  })

  test('tells of a run that never gave its lock back, with the next one', async () => {
    const { clock, riderOf, take, release, operator, key, stands } = recorded()
    const gone = await take(riderOf('web1'))
    gone.session.end()
    operator.destroySession(operator.holder(key) ?? '')
    const held = await take(riderOf('web2'))
    expect(stands()).toBe('')
    await clock.run(release(held))
    expect(JSON.parse(stands())).toMatchObject({ runs: [{ runId: 'web1', lost: 'unknown' }] })
  })

  test('of such a run isn’t forgotten by a claim that is made anew', () => {
    const { riderOf, key } = recorded()
    const rider = riderOf('web2')
    const left: Entry = { ...NEVER_LOCKED, key, value: recordOf('web1') }
    rider.claiming({ seen: left, isOurs: false, nowMs: 0 })
    rider.claiming({ seen: undefined, isOurs: true, nowMs: 5000 })
    rider.granted([])
    rider.ended(RAN)
    const [written] = rider.releasing()
    expect(idsIn(written?.value ?? '')).toEqual(['web1', 'web2'])
    expect(parseRuns(written?.value ?? '')).toMatchObject({ runs: [{}, { start: '1970-01-01T00:00:00.000Z' }] })
  })

  test('of a lock that was handed on begins when it was', () => {
    const { riderOf, key } = recorded()
    const rider = riderOf('web1')
    rider.claiming({ seen: undefined, isOurs: false, nowMs: 0 })
    expect(rider.handed(60_000)).toEqual([{ verb: 'get-tree', key: runsKey(key) }])
    rider.granted([{ ...NEVER_LOCKED, key: runsKey(key), value: encodeRuns({ runs: [] }) }])
    rider.ended(RAN)
    expect(parseRuns(rider.releasing()[0]?.value ?? '')).toMatchObject({
      runs: [{ runId: 'web1', start: '1970-01-01T00:01:00.000Z' }],
    })
  })

  test('of such a run is told by another one, which had the lock meanwhile', () => {
    const { riderOf, key } = recorded()
    const rider = riderOf('web2')
    rider.claiming({ seen: { ...NEVER_LOCKED, key, value: recordOf('web1') }, isOurs: false, nowMs: 0 })
    rider.claiming({ seen: undefined, isOurs: false, nowMs: 5000 })
    rider.granted([])
    rider.ended(RAN)
    expect(idsIn(rider.releasing()[0]?.value ?? '')).toEqual(['web2'])
  })

  test('is no other key whose name begins as its own', () => {
    const { riderOf, key } = recorded()
    const rider = riderOf('web1')
    rider.claiming({ seen: undefined, isOurs: false, nowMs: 0 })
    rider.granted([{ ...NEVER_LOCKED, key: `${runsKey(key)}-of-mine`, value: 'my notes' }])
    rider.ended(RAN)
    expect(idsIn(rider.releasing()[0]?.value ?? '')).toEqual(['web1'])
  })

  test('isn’t written over where something else stands, nor before it was read', async () => {
    const { clock, riderOf, take, release, put, stands, requests } = recorded()
    await put('my notes')
    for (const rider of [riderOf('web1'), riderOf('web2', true)]) {
      rider.ended(RAN)
      expect(rider.releasing()).toEqual([])
      await clock.run(release(await take(rider)))
    }
    expect(stands()).toBe('my notes')
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual([])
  })

  test('of a lock that several hold is read anew before the release', async () => {
    const { clock, riderOf, take, release, put, stands, requests } = recorded()
    const rider = riderOf('web1', true)
    const held = await take(rider)
    await put(encodeRuns({ runs: [run('web2')] }))
    rider.ended(RAN)
    await clock.run(release(held))
    expect(idsIn(stands())).toEqual(['web2', 'web1'])
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual([
      'GET /v1/kv/consul-locker-virtual%3Druns?consistent',
    ])
  })

  test('that may not be read then is left as it is, and the lock is given back', async () => {
    const { clock, riderOf, take, release, meet, put, stands, operator, key } = recorded()
    const rider = riderOf('web1', true)
    const held = await take(rider)
    await put(encodeRuns({ runs: [run('web2')] }))
    rider.ended(RAN)
    meet(DENIED)
    await clock.run(release(held))
    expect(operator.entry(key)).toBeUndefined()
    expect(idsIn(stands())).toEqual(['web2'])
  })

  test('is read once more when Consul doesn’t answer then', async () => {
    const { clock, riderOf, take, release, meet, stands, requests } = recorded()
    const rider = riderOf('web1', true)
    const held = await take(rider)
    rider.ended(RAN)
    meet(() =>
      requests.filter((request) => request.startsWith('GET')).length === 1 ? { fault: { kind: 'refused' } } : {},
    )
    await clock.run(release(held))
    expect(idsIn(stands())).toEqual(['web1'])
  })
})
