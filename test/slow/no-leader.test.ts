import { expect, test } from 'vitest'
import { startCluster } from '../../scripts/provide/cluster.ts'
import { REQUEST_TIMEOUT_MS } from '../../src/consul/consul.ts'
import { isSpokenByConsul } from '../../src/consul/reply-failure.ts'
import { patiently } from '../kit/locker.ts'

const REQUESTS = [
  ['PUT', '/v1/session/create', '{"TTL":"10s"}'],
  ['GET', '/v1/kv/a', undefined],
  ['GET', '/v1/kv/a?consistent', undefined],
  ['PUT', '/v1/txn', '[{"KV":{"Verb":"set","Key":"a","Value":""}}]'],
  ['GET', '/v1/session/list', undefined],
] as const

test('an agent without a leader says so before an attempt of ours is over, and refuses tokens that it has not met', {
  timeout: 120_000,
}, async () => {
  await using cleanUp = new AsyncDisposableStack()
  const { servers, agents, rootToken = '', leader } = await startCluster(1, cleanUp)
  const first = await leader()
  const last = servers.find((server) => server !== first)
  const [client] = agents
  if (!last || !client) throw new Error('there is no cluster')
  for (const server of servers) if (server !== last) server.kill('SIGKILL')
  const ask = async (address: string, method: string, path: string, body?: string, token = rootToken) => {
    const about = { method, headers: { 'X-Consul-Token': token }, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }
    const reply = await fetch(address + path, { ...about, ...(body === undefined ? {} : { body }) })
    return { status: reply.status, headers: {}, text: await reply.text() }
  }
  const knows = async (address: string, [method, path, body]: (typeof REQUESTS)[number]) => {
    const reply = await ask(address, method, path, body).catch((thrown: unknown) => {
      // While it still believes in one, it first tries that one, and then waits for another: 7 s each at the worst.
      if (thrown instanceof Error && thrown.name === 'TimeoutError') return undefined
      throw thrown
    })
    if (!reply) return false
    // Until an agent knows that there is no leader it believes in one, or says that it can't reach a server.
    if (reply.status !== 200) expect([reply, isSpokenByConsul(reply)]).toEqual([reply, true])
    return /^(rpc error making call: )?No cluster leader$/.test(reply.text)
  }
  const learns = async (address: string) => {
    await Promise.all(
      REQUESTS.map((request) =>
        patiently(
          () => knows(address, request),
          () => `${request.join(' ')}: the leader is still believed in`,
        ),
      ),
    )
    const stranger = 'c0ffee00-0000-0000-0000-000000000000'
    // By itself. A client agent may let a stranger in at first, as long as it knows nothing of the token: seen at
    // 1.8.7.
    const refuses = async () => {
      const self = await ask(address, 'GET', '/v1/agent/self', undefined, stranger)
      if (self.status === 200) return false
      expect(self).toMatchObject({ status: 403, text: expect.stringMatching(/^(ACL not found|Permission)/) })
      return true
    }
    await patiently(refuses, () => `${address} lets a stranger in`)
    // A client agent goes on to the next server when it has asked one that is dead.
    const isKnown = async () => {
      const leader = await ask(address, 'GET', '/v1/status/leader', undefined, stranger)
      if (leader.status !== 200) expect([leader, isSpokenByConsul(leader)]).toEqual([leader, true])
      return leader.status === 200 && leader.text.startsWith('""')
    }
    await patiently(isKnown, () => `the status of ${address} tells of a leader`)
  }
  await Promise.all([last, client].map(({ address }) => learns(address)))
})
