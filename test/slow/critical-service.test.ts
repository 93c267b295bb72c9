import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { type DevServer, startDevServer } from '../kit/dev-server.ts'
import { patiently } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

/** The shortest time that Consul waits, half a minute between two looks, and some patience. */
const LIMIT_MS = 120_000

let server: DevServer

beforeAll(async () => {
  server = await startDevServer()
})
afterAll(async () => void (await server.stop()))

test.concurrent.for(['consul-locker dev', 'the real Consul'])(
  'a service that stays critical is taken out after a minute at least, at %s',
  async (which) => {
    const consul = new ConsulClient(which === 'the real Consul' ? inject('consulAddress') : server.address)
    const Name = uniqueName('critical')
    const Check = { TTL: '1s', DeregisterCriticalServiceAfter: '1s' }
    const begunMs = performance.now()
    await consul.request('PUT', '/agent/service/register', JSON.stringify({ Name, Check }))
    const isThere = async () => Name in ((await (await consul.request('GET', '/agent/services')).json()) as object)
    while (await isThere()) {
      if (performance.now() - begunMs > LIMIT_MS) throw new Error('it is still there')
      await delay(500)
    }
    expect(performance.now() - begunMs).toBeGreaterThan(60_000)
    // The agent forgets it, and tells the servers.
    await patiently(
      async () => ((await consul.read(`/health/service/${Name}`)) as unknown[]).length === 0,
      () => 'the servers still know it',
    )
  },
)
