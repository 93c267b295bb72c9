import { expect, inject, test, vi } from 'vitest'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { Client, type ConsulTarget } from './consul-target.ts'

const BESIDES = 6

/** Whether one of many claims got the lock although its holder's session died among them. */
async function isOvertaken(client: Client): Promise<boolean> {
  const [mine, yours] = [await client.session({ LockDelay: '30s' }), await client.session()]
  const lock = (Session: string) => client.txn({ Verb: 'lock', Key: `${client.key}/${mine}`, Session })
  await lock(mine)
  const claims = () => Array.from({ length: BESIDES }, () => lock(yours))
  const [before, , after] = await Promise.all([claims(), client.destroy(mine), claims()])
  return (await Promise.all([...before, ...after])).some(({ status }) => status === 200)
}

const title = 'the lock-delay does not stop a claim that was under way when the holder’s session died'

test(`${title}, at the real Consul`, async () => {
  const address = inject('consulAddress')
  const real = {
    async call(method: string, path: string, body?: string) {
      const response = await fetch(address + path, { method, ...(body === undefined ? {} : { body }) })
      return { status: response.status, index: 0, text: await response.text() }
    },
    freshKey: () => `lock-delay/${crypto.randomUUID()}`,
  } as unknown as ConsulTarget
  await vi.waitUntil(() => isOvertaken(new Client(real)), { timeout: 50_000, interval: 0 })
})

test(`${title}, at the one in memory when its log takes time`, async () => {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: Math.random, commitMs: () => 5 })
  const never = new AbortController().signal
  const memory = {
    async call(method: 'GET' | 'PUT', path: string, body = '') {
      const { status, text } = await agent.handle({ method, path, body }, never)
      return { status, index: 0, text }
    },
    freshKey: () => 'lock-delay',
  } as unknown as ConsulTarget
  expect(await clock.run(isOvertaken(new Client(memory)))).toBe(true)
})
