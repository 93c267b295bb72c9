import { describe, expect, test } from 'vitest'
import { Session } from '../../../src/lock/session.ts'
import { SessionCreation } from '../../../src/lock/session-creation.ts'
import { on, strangeReply } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const CUT = on('/v1/session/create', { fault: { kind: 'cut' } })
const REFUSED = on('/v1/session/create', { fault: { kind: 'refused' } })

/** The way to a session called `one`, and what is asked on it. */
function creation() {
  const lock = virtualLock()
  const { clock, ctx, consul, timing } = lock
  const client = consul()
  const options = { name: 'one', timing }
  const opening = new SessionCreation(client, options)
  return {
    ...lock,
    client,
    options,
    attempt: () => clock.run(opening.attempt(ctx)),
    abandon: () => clock.run(opening.abandon(ctx)),
  }
}

describe('a session', () => {
  test('is created by one request', async () => {
    const { attempt, abandon, requests, operator } = creation()
    const session = await attempt()
    session.end()
    expect(operator.sessions().map(({ id }) => id)).toEqual([session.id])
    await abandon()
    expect(requests).toEqual(['PUT /v1/session/create'])
    expect(operator.sessions()).toHaveLength(1)
  })

  test('whose creation got no answer is found by its name, and counts from the first sending', async () => {
    const { clock, timing, attempt, meet, operator, requests } = creation()
    meet(CUT)
    await expect(attempt()).rejects.toMatchObject({ code: 'unreachable' })
    await clock.advance(3000)
    await expect(attempt()).resolves.toMatchObject({ id: operator.sessions()[0]?.id })
    expect(requests.filter((line) => line.includes('create'))).toHaveLength(1)
    expect(timing.ttlMs).toBeGreaterThan(3000)
  })

  test('that is found has a lease from before it was created', async () => {
    const { clock, timing, attempt, meet } = creation()
    meet((request) => (request.path.startsWith('/v1/session/create') ? { outMs: 500, fault: { kind: 'cut' } } : {}))
    await expect(attempt()).rejects.toMatchObject({ code: 'unreachable' })
    await clock.advance(2000)
    meet(on('/v1/session/renew', { fault: { kind: 'refused' } }))
    const session = await attempt()
    expect(session.leaseLeftMs()).toBe(timing.ttlMs - 2500)
    session.end()
  })

  test('is created again when none is found, and takes its twin along when it ends', async () => {
    const { clock, ctx, client, options, attempt, meet, operator } = creation()
    meet(REFUSED)
    await expect(attempt()).rejects.toMatchObject({ code: 'unreachable' })
    meet(() => ({}))
    const session = await attempt()
    const twin = await clock.run(Session.create(ctx, client, options, false))
    twin.end()
    session.end()
    await clock.run(session.destroy(ctx, client))
    expect(operator.sessions()).toEqual([])
  })

  test('of nobody’s doubt has no twin to look for', async () => {
    const { clock, ctx, client, attempt, requests } = creation()
    const session = await attempt()
    session.end()
    requests.splice(0)
    await clock.run(session.destroy(ctx, client))
    expect(requests).toEqual([`PUT /v1/session/destroy/${session.id}`])
  })
})

describe('who gives up', () => {
  test('destroys what was created without an answer', async () => {
    const { attempt, abandon, meet, operator } = creation()
    meet(CUT)
    await expect(attempt()).rejects.toMatchObject({ code: 'unreachable' })
    expect(operator.sessions()).toHaveLength(1)
    await abandon()
    expect(operator.sessions()).toEqual([])
  })

  test('gives up on that after two seconds, too', async () => {
    const { clock, attempt, abandon, meet } = creation()
    meet(CUT)
    await expect(attempt()).rejects.toMatchObject({ code: 'unreachable' })
    meet(() => ({ fault: { kind: 'black-hole' } }))
    const before = clock.nowMs
    await abandon()
    expect(clock.nowMs - before).toBe(2000)
  })

  test('asks nothing when it was told that there is nothing', async () => {
    const { attempt, abandon, meet, requests } = creation()
    meet(on('/v1/session/create', { fault: { kind: 'answered', reply: strangeReply(400, 'Invalid Session TTL') } }))
    await expect(attempt()).rejects.toMatchObject({ code: 'rejected' })
    await abandon()
    meet(() => ({}))
    ;(await attempt()).end()
    expect(requests).toEqual(['PUT /v1/session/create', 'PUT /v1/session/create'])
  })

  test('is in doubt after every other failure, Consul’s own too', async () => {
    const { attempt, abandon, meet, requests } = creation()
    meet(on('/v1/session/create', { fault: { kind: 'answered', reply: strangeReply(500, 'rpc error: EOF') } }))
    await expect(attempt()).rejects.toMatchObject({ code: 'unavailable' })
    meet(() => ({}))
    await abandon()
    expect(requests).toEqual(['PUT /v1/session/create', expect.stringMatching(/^GET .v1.session/)])
  })
})
