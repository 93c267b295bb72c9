import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { heldFence, holderRecord } from '../../../src/lock/holder-record.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { holdFor } from '../../../src/run/hold-at-least.ts'
import { requestYield } from '../../../src/run/release-request.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'
import { virtualRun } from '../../virtual/virtual-run.ts'

/** A run whose command has begun. */
async function running(options: Parameters<ReturnType<typeof virtualRun>['begin']>[0] = {}) {
  const lab = virtualRun()
  const result = lab.begin(options)
  await lab.clock.advance(1000)
  const session = lab.operator.holder(lab.key)
  const ask = (by = 'root@web2', asked = session) =>
    requestYield(lab.ctx, lab.consul(), { key: lab.key, session: asked }, by)
  return { ...lab, result, session, ask }
}

test('a run that is asked for its lock tells its command to end as by TERM, and gives the lock back', async () => {
  const { clock, ask, signals, exit, lines, result, operator, key, orders } = await running()
  const answer = ask()
  await clock.advance(1000)
  expect({ signals, holder: operator.holder(key) }).toEqual({ signals: ['SIGTERM'], holder: expect.any(String) })
  expect(lines).toEqual([expect.stringContaining('root@web2 asks for the lock')])
  // The request has changed the key's index, and not the fence.
  const { value = '', modifyIndex = 0 } = operator.entry(key) ?? {}
  const fence = heldFence({ value: atob(value), modifyIndex })
  expect(fence).toBeLessThan(modifyIndex)
  exit({ signal: 'SIGTERM' })
  expect(await clock.run(result)).toMatchObject({ outcome: { kind: 'ran', status: { signal: 'SIGTERM' } }, fence })
  expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
  expect(orders.at(-1)).toBe('dismiss')
})

test('a command that is asked for again and again hears of it once, for a second TERM would kill it', async () => {
  const { clock, ask, signals, exit, result } = await running()
  const answers = [ask('root@web2'), ask('root@web3')]
  await clock.advance(1000)
  answers.push(ask('root@web4'))
  await clock.advance(120_000)
  expect(signals).toEqual(['SIGTERM'])
  exit({ code: 0 })
  await clock.run(result)
  expect(await clock.run(Promise.all(answers))).toEqual(Array(3).fill({ kind: 'given-back' }))
})

/** A run that was handed its lock, while somebody who stands behind it waits for it in turn. */
async function handedRun() {
  const lab = virtualRun()
  const { clock, spec, timing } = lab
  const record = (runId: string) => (nowMs: number) =>
    holderRecord({ host: 'here', pid: 1, user: 'somebody', command: ['x'], runId }, timing, nowMs)
  const lock = { ...spec, handsOn: true, record: record('one') }
  const before = won(await clock.run(lab.acquire({ handsOn: true, record: record('zero') })))
  const result = lab.begin({ about: { lock } })
  await clock.advance(2000)
  const behind = lab.acquire({ handsOn: true, record: record('two') })
  await clock.advance(2000)
  const ask = () => {
    const session = lab.operator.holder(lab.key)
    return requestYield(lab.ctx, lab.consul(), { key: lab.key, session }, 'root@web2')
  }
  return { ...lab, before, result, behind, ask }
}

test('who asks is told that it was given back when the lock was handed to who waits', async () => {
  const { clock, release, before, result, behind, ask, exit } = await handedRun()
  await clock.run(release(before))
  await clock.advance(1000)
  const answer = ask()
  await clock.advance(1000)
  exit({ code: 0 })
  expect(await clock.run(result)).toMatchObject({ outcome: { kind: 'ran' } })
  expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
  await clock.run(release(won(await clock.run(behind))))
})

test('a run that is asked for its lock before it has seen that it was handed it hears of that', async () => {
  const { clock, key, release, meet, before, result, behind, ask, signals, exit } = await handedRun()
  let isLooking = false
  meet(({ longPoll, path }) => {
    if (!longPoll || !path.startsWith(`/v1/kv/${key}?`)) return {}
    isLooking = true
    return { outMs: 2000 }
  })
  // Its next look is on its way when the lock is handed over, and arrives after somebody has asked.
  while (!isLooking) await clock.advance(1000)
  await clock.run(release(before))
  const answer = ask()
  await clock.advance(5000)
  expect(signals).toEqual(['SIGTERM'])
  exit({ signal: 'SIGTERM' })
  await clock.run(result)
  expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
  await clock.run(release(won(await clock.run(behind))))
})

test('who asks is told when the command had lost the lock before it could end', async () => {
  const { clock, ask, operator, session = '' } = await running()
  const answer = ask()
  await clock.advance(1000)
  operator.destroySession(session)
  expect(await clock.run(answer)).toEqual({ kind: 'lost' })
})

test('a run whose command ends right when it is asked says nothing of that, for the lock is given back anyway', async () => {
  const { clock, ask, exit, lines, signals, result } = await running()
  const answer = ask()
  exit({ code: 0 })
  await clock.run(result)
  expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
  expect({ lines, signals }).toEqual({ lines: [], signals: [] })
})

test('nobody is asked but who was meant', async () => {
  const { clock, ask, signals, exit, result } = await running()
  const other = ask('root@web2', '00000000-0000-0000-0000-000000000000')
  expect(await clock.run(other)).toMatchObject({ kind: 'others' })
  exit({ code: 0 })
  await clock.run(result)
  expect(await clock.run(ask())).toEqual({ kind: 'free' })
  expect(signals).toEqual([])
})

test('who holds the key and is no run isn’t asked', async () => {
  const { clock, ctx, consul, key, operator, acquire } = virtualLock()
  const other = won(await clock.run(acquire()))
  const { value } = operator.entry(key) ?? {}
  const answer = await clock.run(requestYield(ctx, consul(), { key, session: other.session.id }, 'root@web2'))
  expect(answer).toMatchObject({ kind: 'others', holder: { session: other.session.id } })
  expect(operator.entry(key)?.value).toBe(value)
  other.session.end()
})

test('a lock that is held beyond its command is given back when it is asked for', async () => {
  const { clock, ask, exit, result, operator, key } = await running({
    about: { holdAtLeastMs: 3_600_000 },
    dependencies: { holdFor },
  })
  exit({ code: 0 })
  await clock.advance(1000)
  expect(operator.holder(key)).toBeDefined()
  const answer = ask()
  expect(await clock.run(result)).toMatchObject({ outcome: { kind: 'ran', status: { code: 0 } } })
  expect(clock.nowMs).toBeLessThan(60_000)
  expect(await clock.run(answer)).toEqual({ kind: 'given-back' })
})

test.each([
  ['another run’s id', { runId: 'two', releaseAskedBy: 'root@web2' }],
  ['nobody’s name', { runId: 'one', releaseAskedBy: 1 }],
  ['no request', { runId: 'one' }],
])('what somebody wrote over the record with %s is no request', async (_, record) => {
  const { clock, key, consul, ctx, signals, exit, result } = await running()
  const value = JSON.stringify(record)
  await clock.run(transact(ctx, consul(), [{ verb: 'set', key, value, flags: LOCK_FLAGS }]))
  await clock.advance(60_000)
  expect(signals).toEqual([])
  exit({ code: 0 })
  expect(await clock.run(result)).toMatchObject({ outcome: { kind: 'ran' } })
})
