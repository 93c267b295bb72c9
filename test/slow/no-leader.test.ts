import { expect, test } from 'vitest'
import { startCluster } from '../../scripts/chaos/cluster.ts'
import { ATTEMPT_MS } from '../../src/consul/consul.ts'
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
    const about = { method, headers: { 'X-Consul-Token': token }, signal: AbortSignal.timeout(ATTEMPT_MS) }
    const reply = await fetch(address + path, { ...about, ...(body === undefined ? {} : { body }) })
    return `${reply.status} ${await reply.text()}`
  }
  const believes = async (address: string) => !(await ask(address, 'GET', '/v1/kv/a')).includes('No cluster leader')
  const learns = async (address: string) => {
    await patiently(
      async () => !(await believes(address)),
      () => 'the leader is still believed in',
    )
    const said = await Promise.all(REQUESTS.map(([method, path, body]) => ask(address, method, path, body)))
    expect(said).toEqual(REQUESTS.map(() => expect.stringMatching(/^500 (rpc error making call: )?No cluster leader$/)))
    // By itself, and at once.
    const stranger = 'c0ffee00-0000-0000-0000-000000000000'
    expect(await ask(address, 'GET', '/v1/agent/self', undefined, stranger)).toMatch(/^403 (ACL not found|Permission)/)
    expect(await ask(address, 'GET', '/v1/status/leader', undefined, stranger)).toMatch(/^200 ""/)
  }
  // Until they know that the leader is gone they say that it can't be reached.
  await Promise.all([last, client].map(({ address }) => learns(address)))
})
