import { describe, expect, test } from 'vitest'
import type { WireReply } from '../../../src/consul/wire.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

function open() {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5, ttlFactor: [2, 2] })
  const { operator } = agent
  const never = new AbortController().signal
  const call = (method: 'GET' | 'PUT', path: string, body = '', signal = never): Promise<WireReply> =>
    agent.transport().send({ method, path, body }, signal)
  const session = (node = 'web1', wish: object = {}): Promise<string> =>
    agent
      .transport(node)
      .send({ method: 'PUT', path: '/v1/session/create', body: JSON.stringify({ TTL: '10s', ...wish }) }, never)
      .then((reply) => (reply.status === 200 ? JSON.parse(reply.text).ID : reply.text))
  const acquire = async (id: string) => (await call('PUT', `/v1/kv/k?acquire=${id}`, 'v')).text
  const read = (index: number, wait = '30s') => call('GET', `/v1/kv/k?index=${index}&wait=${wait}`)
  const index = () => operator.entry('k')?.modifyIndex ?? 0
  return { clock, agent, operator, call, session, acquire, read, index }
}

describe('an in-memory Consul', () => {
  test('counts requests and raft writes: renewals and reads are none, nor is a lock tried during a lock-delay', async () => {
    const { agent, call, session, acquire, operator } = open()
    const [mine, yours] = [await session(), await session()]
    await acquire(mine)
    await call('PUT', `/v1/session/renew/${mine}`)
    await call('GET', '/v1/kv/k')
    operator.destroySession(mine)
    await acquire(yours)
    expect([agent.requests, agent.raftWrites]).toEqual([6, 4])
  })

  test('without a leader holds requests, and answers them when there is one again', async () => {
    const { clock, operator, session } = open()
    operator.leaderless(true)
    const waiting = session()
    await clock.advance(5000)
    expect(operator.sessions()).toHaveLength(0)
    operator.leaderless(false)
    expect(await waiting).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('without a leader gives up on a request after 7 s, but for stale reads', async () => {
    const { clock, operator, session, call } = open()
    operator.leaderless(true)
    expect((await call('GET', '/v1/kv/k?stale')).status).toBe(404)
    expect((await call('GET', '/v1/status/leader')).text).toBe('""')
    expect(await clock.run(session())).toBe('No cluster leader')
    expect(clock.nowMs).toBe(7000)
  })

  test('does what a client asked that has gone meanwhile', async () => {
    const { operator, call, session } = open()
    const id = await session()
    const gone = new AbortController()
    operator.leaderless(true)
    const waiting = call('PUT', `/v1/kv/k?acquire=${id}`, 'v', gone.signal)
    gone.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect(operator.holder('k')).toBeUndefined()
    operator.leaderless(false)
    expect(operator.holder('k')).toBe(id)
  })

  test('gives every session its whole time again under a new leader', async () => {
    const { clock, operator, session } = open()
    await session()
    await clock.advance(19_000)
    operator.changeLeader()
    await clock.advance(19_999)
    expect(operator.sessions()).toHaveLength(1)
    await clock.advance(1)
    expect(operator.sessions()).toHaveLength(0)
  })

  test('lets no session expire without a leader', async () => {
    const { clock, operator, session } = open()
    await session()
    operator.leaderless(true)
    await clock.advance(60_000)
    operator.changeLeader()
    await clock.advance(60_000)
    expect(operator.sessions()).toHaveLength(1)
  })

  test.for([true, false])(
    'restarted remembers lock-delays unless told to forget them (%s)',
    async (forgetLockDelays) => {
      const { operator, session, acquire, read, index } = open()
      const [mine, yours] = [await session(), await session()]
      await acquire(mine)
      operator.destroySession(mine)
      const blocked = read(index())
      operator.restartServers({ forgetLockDelays })
      expect((await blocked).status).toBe(500)
      expect(await acquire(yours)).toBe(String(forgetLockDelays))
    },
  )

  test('taken back to a snapshot has its old indexes, and blocked reads return with what they saw', async () => {
    const { operator, session, acquire, read, index, agent } = open()
    const [mine, yours] = [await session(), await session()]
    await acquire(mine)
    const old = operator.snapshot()
    const oldIndex = index()
    operator.forceRelease('k')
    await acquire(yours)
    const newIndex = index()
    const blocked = read(newIndex)
    operator.restoreSnapshot(old)
    expect((await blocked).headers['x-consul-index']).toBe(String(newIndex))
    expect([operator.holder('k'), index()]).toEqual([mine, oldIndex])
    read(newIndex)
    expect(agent.blockedReads).toBe(1)
    operator.deleteKey('k')
    expect(agent.blockedReads).toBe(0)
  })

  test('rebuilt from a snapshot gives out indexes that it gave before', async () => {
    const { operator, session, acquire, index } = open()
    const mine = await session()
    const old = operator.snapshot()
    await acquire(mine)
    const first = index()
    operator.restoreSnapshot(old, { rebuilt: true })
    await acquire(mine)
    expect(index()).toBe(first)
  })

  test('asleep does nothing, and does it all when it wakes', async () => {
    const { clock, operator, session, acquire, read, index } = open()
    const id = await session()
    await acquire(id)
    const blocked = read(index(), '5s')
    operator.sleep()
    const late = acquire(id)
    let answered = 0
    for (const waiting of [blocked, late]) waiting.then(() => answered++)
    await clock.advance(60_000)
    expect([answered, operator.sessions().length]).toEqual([0, 1])
    operator.wake()
    await clock.advance(0)
    expect([answered, operator.sessions().length]).toEqual([2, 0])
  })

  test('wakes blocked reads for nothing on request', async () => {
    const { operator, session, acquire, read, index } = open()
    await acquire(await session())
    const blocked = read(index())
    operator.stirBlockedReads()
    expect((await blocked).headers['x-consul-index']).toBe(String(index()))
  })

  test.for(['critical', 'missing'] as const)("ends a node's sessions when it becomes %s", async (health) => {
    const { operator, session } = open()
    const ids = [await session('web1'), await session('web2'), await session('web1', { Checks: [] })]
    operator.setNode('web1', health)
    const left = operator.sessions().map(({ id }) => id)
    expect(left.sort()).toEqual((health === 'critical' ? ids.slice(1) : ids.slice(1, 2)).sort())
    const words = health === 'critical' ? "Check 'serfHealth' is in critical state" : 'Missing node registration'
    expect(await session('web1')).toBe(words)
    operator.setNode('web1', 'passing')
    expect(await session('web1')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('an in-memory Consul forgets in the end what was deleted, and the index of a listing stays above it', async () => {
  const { agent, call } = open()
  await call('PUT', '/v1/kv/folder/kept', 'v')
  for (let at = 0; at < 12_000; at++) {
    await call('PUT', `/v1/kv/folder/${at}`, 'v')
    await agent.handle({ method: 'DELETE', path: `/v1/kv/folder/${at}` }, new AbortController().signal)
  }
  const { state } = agent.image as { state: { raftIndex: number; kv: { tombstones: [string, number][] } } }
  expect(state.kv.tombstones.length).toBeGreaterThan(4000)
  expect(state.kv.tombstones.length).toBeLessThanOrEqual(10_000)
  const listing = await call('GET', '/v1/kv/folder/?recurse')
  expect(Number(listing.headers['x-consul-index'])).toBe(state.raftIndex)
})
