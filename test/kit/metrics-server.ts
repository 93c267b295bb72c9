import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from './consul-client.ts'
import { startLocker } from './locker.ts'

export const EXAMPLE = join(import.meta.dirname, '../../examples/prometheus')

/** Of our own: nobody else's locks are among them. */
export let agent: ConsulAgent

export let consul: ConsulClient

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev' })
  consul = new ConsulClient(agent.address)
})

afterAll(() => agent?.stop())

export const here = () => ({ address: agent.address })

/** The server, and how to ask it. */
export async function startMetrics(words: readonly string[] = [], address = agent.address) {
  const server = startLocker(['metrics', '--listen', '127.0.0.1:0', ...words], { address })
  const [, url = ''] = await server.says(/serving metrics at (http:\S+\/metrics)/)
  const scrape = async (authorization?: string) =>
    fetch(url, {
      ...(authorization !== undefined && { headers: { authorization } }),
      signal: AbortSignal.timeout(20_000),
    })
  return { server, url, scrape, text: async () => (await scrape()).text() }
}
