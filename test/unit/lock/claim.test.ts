import { describe, expect, test } from 'vitest'
import { readKey } from '../../../src/consul/kv.ts'
import { type TxnOp, transact } from '../../../src/consul/txn.ts'
import { claim, type LastSeen, type LockRequest, releaseKey, releaseWith } from '../../../src/lock/claim.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { Session } from '../../../src/lock/session.ts'
import { type Policy, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

/** What Consul says when it does none of a transaction, by the places of what refused. */
const undone = (...reasons: readonly (readonly [at: number, reason: string])[]): Policy => {
  const text = JSON.stringify({ Errors: reasons.map(([OpIndex, What]) => ({ OpIndex, What })) })
  return () => ({ fault: { kind: 'answered', reply: strangeReply(409, text) } })
}

/** Two who may claim a key, and what stands there. */
async function claimants() {
  let policy: Policy = () => ({})
  const lock = virtualLock({ fateOf: (request) => policy(request) })
  const { clock, ctx, consul, key, timing } = lock
  const client = consul()
  const create = async (name: string): Promise<LockRequest> => {
    const session = await clock.run(Session.create(ctx, client, { name, timing }, false))
    session.end()
    return { key, value: name, sessionId: session.id }
  }
  return {
    ...lock,
    one: await create('one'),
    other: await create('other'),
    meet(next: Policy) {
      policy = next
    },
    claim: (request: LockRequest, seen?: LastSeen, besides?: TxnOp[], riding?: TxnOp[]) =>
      clock.run(claim(ctx, client, request, seen, besides, riding)),
    release: (request: LockRequest, riding?: TxnOp[]) => clock.run(releaseKey(ctx, client, request, riding)),
    releaseWith: (request: LockRequest, besides: TxnOp[], riding: TxnOp[]) =>
      clock.run(releaseWith(ctx, client, request, besides, riding)),
    /** How many transactions this takes. */
    async counted<T>(work: () => Promise<T>) {
      const before = lock.requests.length
      return { end: await work(), txns: lock.requests.slice(before).filter((line) => line.endsWith('/v1/txn')).length }
    },
    look: async () => (await clock.run(readKey(ctx, client, key))).entry,
    put: (op: Omit<TxnOp, 'key'>) => clock.run(transact(ctx, client, [{ ...op, key }])),
  }
}

const RIDER: TxnOp = { verb: 'set', key: 'rides', value: 'x' }
/** Refuses beside a lock that is held. */
const REFUSES: TxnOp = { verb: 'check-session', key: 'rides', session: 's' }

describe('a claim', () => {
  test('of a key that is not there gives it, under the fence that the key then has', async () => {
    const { one, claim, look } = await claimants()
    const got = await claim(one)
    expect(got).toMatchObject({ kind: 'held', fence: (await look())?.modifyIndex })
    expect(await look()).toMatchObject({ value: 'one', session: one.sessionId, flags: LOCK_FLAGS })
  })

  test('of a key that was let go of gives it to who has seen it so', async () => {
    const { one, other, claim, look, put } = await claimants()
    await claim(one)
    await put({ verb: 'unlock', value: '', flags: LOCK_FLAGS, session: one.sessionId })
    expect(await claim(other, await look())).toMatchObject({ kind: 'held' })
  })

  test('does nothing to a key that is not as it was seen', async () => {
    const { one, other, claim, look, put } = await claimants()
    await claim(one)
    await put({ verb: 'unlock', value: '', flags: LOCK_FLAGS, session: one.sessionId })
    const free = await look()
    await put({ verb: 'set', value: 'new', flags: LOCK_FLAGS })
    const before = await look()
    expect(await claim(other, free)).toEqual({ kind: 'changed' })
    expect(await claim(other)).toEqual({ kind: 'changed' })
    expect(await look()).toEqual(before)
  })

  test('of a key that somebody holds is refused, as it was seen or not', async () => {
    const { one, other, claim, look } = await claimants()
    await claim(one)
    expect(await claim(other)).toEqual({ kind: 'taken' })
    expect(await claim(other, await look())).toEqual({ kind: 'taken' })
  })

  test('of a key whose holder died is refused as long as its lock-delay lasts', async () => {
    const { clock, timing, operator, one, other, claim, look } = await claimants()
    await claim(one)
    operator.destroySession(one.sessionId)
    const free = await look()
    expect(await claim(other, free)).toEqual({ kind: 'lock-delay' })
    await clock.advance(timing.lockDelayMs - 1)
    expect(await claim(other, free)).toEqual({ kind: 'lock-delay' })
    await clock.advance(1)
    expect(await claim(other, free)).toMatchObject({ kind: 'held' })
  })

  test('by a session that is gone is refused', async () => {
    const { operator, one, claim, look } = await claimants()
    operator.destroySession(one.sessionId)
    expect(await claim(one)).toEqual({ kind: 'session-gone' })
    expect(await look()).toBeUndefined()
  })

  test.each(['invalid session "s"', 'session "s" not found', 'Unknown session'])(
    'by one that is gone is told so by the words %s, whatever of its riders is refused, too',
    async (reason) => {
      const { one, claim, meet } = await claimants()
      meet(undone([1, reason], [2, 'key exists']))
      expect(await claim(one, undefined, [], [RIDER])).toEqual({ kind: 'session-gone' })
    },
  )

  test('of what is ours already succeeds, whatever became of its value', async () => {
    const { one, claim, look, put } = await claimants()
    await claim(one)
    const seen = await look()
    await put({ verb: 'set', value: 'else', flags: LOCK_FLAGS })
    expect(await claim(one, 'ours')).toMatchObject({ kind: 'held' })
    expect(await claim(one, seen)).toMatchObject({ kind: 'held' })
  })

  test('of somebody’s data is refused in words, and leaves it', async () => {
    const { one, claim, look, put } = await claimants()
    await put({ verb: 'set', value: 'data' })
    const data = await look()
    await expect(claim(one, data)).rejects.toThrow('holds data and is no lock')
    expect(await look()).toEqual(data)
  })

  test('that comes with a condition on the queue is told that others are in it', async () => {
    const { one, claim, look, put } = await claimants()
    await put({ verb: 'set', value: 'new', flags: LOCK_FLAGS })
    const queue: TxnOp = { verb: 'check-not-exists', key: one.key }
    expect(await claim(one, await look(), [queue])).toEqual({ kind: 'queued', isQueued: true })
    const stale: TxnOp = { verb: 'delete-cas', key: one.key, index: 1 }
    expect(await claim(one, await look(), [stale])).toEqual({ kind: 'queued', isQueued: true })
  })

  test('of a key that is not as it was seen, for which others queue, is told of these', async () => {
    const { one, other, claim, put } = await claimants()
    await put({ verb: 'set', value: 'new', flags: LOCK_FLAGS })
    const queue: TxnOp = { verb: 'check-not-exists', key: one.key }
    expect(await claim(other, undefined, [queue])).toEqual({ kind: 'queued', isQueued: true })
  })

  test('comes with what its riders read, and is told which of them refused', async () => {
    const { one, claim } = await claimants()
    const read: TxnOp = { verb: 'get-tree', key: RIDER.key }
    expect(await claim(one, undefined, [], [RIDER, REFUSES, read])).toEqual({ kind: 'refused', refused: [REFUSES] })
    const got = await claim(one, undefined, [], [RIDER, read])
    const keys = [one, RIDER, RIDER].map(({ key }) => expect.objectContaining({ key }))
    expect(got).toMatchObject({ kind: 'held', entries: keys })
  })

  test('is told what its token may not do, if it goes without', async () => {
    const { one, claim, meet } = await claimants()
    const rider: TxnOp = { ...RIDER, isDispensable: true }
    meet(undone([2, 'Permission denied']))
    expect(await claim(one, undefined, [], [rider])).toEqual({ kind: 'denied', denied: [rider] })
  })

  test.each([
    ['out of tape', "Consul doesn't give the lock: out of tape"],
    ['', "Consul doesn't give the lock: no reason given"],
  ])('that is refused for another reason says which: "%s"', async (reason, sentence) => {
    const { one, claim, meet } = await claimants()
    meet(undone([1, reason]))
    await expect(claim(one)).rejects.toThrow(sentence)
  })

  test.each([
    ['without the key', '[]'],
    [
      'with the key of somebody else',
      '[{"KV":{"Key":"K","Value":"","Flags":0,"Session":"S","LockIndex":1,"CreateIndex":1,"ModifyIndex":1}}]',
    ],
  ])('is not believed when the answer comes %s', async (_, results) => {
    const { key, one, other, claim, meet } = await claimants()
    const text = `{"Results":${results.replace('"K"', `"${key}"`).replace('"S"', `"${other.sessionId}"`)}}`
    const reply = { status: 200, headers: { 'content-type': 'application/json' }, text }
    meet(() => ({ fault: { kind: 'answered', reply } }))
    await expect(claim(one)).rejects.toMatchObject({ code: 'not-consul' })
  })
})

describe('a release of a key', () => {
  test('deletes what is ours, and says so', async () => {
    const { one, claim, release, look } = await claimants()
    await claim(one)
    expect(await release(one)).toBe(true)
    expect(await look()).toBeUndefined()
  })

  test('leaves what is somebody else’s, and says so', async () => {
    const { one, other, claim, release, look } = await claimants()
    await claim(one)
    const before = await look()
    expect(await release(other)).toBe(false)
    expect(await look()).toEqual(before)
  })

  test('takes what rides with it along', async () => {
    const { one, claim, release, counted, operator, look } = await claimants()
    await claim(one)
    expect(await counted(() => release(one, [RIDER]))).toEqual({ end: true, txns: 1 })
    expect([await look(), operator.entry('rides')]).toEqual([undefined, expect.objectContaining({ key: 'rides' })])
  })

  test('goes without what refuses to ride', async () => {
    const { one, claim, release, counted, look } = await claimants()
    await claim(one)
    expect(await counted(() => release(one, [REFUSES]))).toEqual({ end: true, txns: 2 })
    expect(await look()).toBeUndefined()
  })

  test.each([
    [400, 'Failed to parse body'],
    [413, 'Request body too large'],
  ])('goes without what Consul answers with %i', async (status, text) => {
    const { one, claim, release, counted, meet, look } = await claimants()
    await claim(one)
    const fault = { kind: 'answered', reply: strangeReply(status, text) } as const
    meet(({ body }) => (body?.includes(RIDER.key) ? { fault } : {}))
    expect(await counted(() => release(one, [RIDER]))).toMatchObject({ end: true })
    expect(await look()).toBeUndefined()
  })

  test('that fails on its way is not tried without its riders', async () => {
    const { one, claim, release, meet, look } = await claimants()
    await claim(one)
    meet(({ body }) => (body?.includes(RIDER.key) ? { fault: { kind: 'refused' } } : {}))
    await expect(release(one, [RIDER])).rejects.toMatchObject({ code: 'unreachable' })
    expect(await look()).toMatchObject({ session: one.sessionId })
  })

  test('does nothing when what it is to do besides can’t be done, and says so at once', async () => {
    const { one, claim, releaseWith, counted, look } = await claimants()
    await claim(one)
    const end = { end: 'changed', txns: 1 }
    expect(await counted(() => releaseWith(one, [REFUSES], []))).toEqual(end)
    expect(await counted(() => releaseWith(one, [REFUSES], [RIDER]))).toEqual(end)
    expect(await counted(() => releaseWith(one, [REFUSES], [{ ...REFUSES }]))).toEqual(end)
    expect(await look()).toMatchObject({ session: one.sessionId })
  })

  test('that is refused for a reason of its own is none, and isn’t sent twice', async () => {
    const { one, claim, release, counted, meet } = await claimants()
    await claim(one)
    meet(undone([1, 'out of tape']))
    expect(await counted(() => release(one))).toEqual({ end: false, txns: 1 })
  })
})
