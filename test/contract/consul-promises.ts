import { describe } from 'vitest'
import { agentPromises } from './agent-promises.ts'
import { blockingPromises } from './blocking-promises.ts'
import { catalogPromises } from './catalog-promises.ts'
import { checkPromises } from './check-promises.ts'
import { Client, type ConsulTarget } from './consul-target.ts'
import { healthPromises } from './health-promises.ts'
import { kvPromises } from './kv-promises.ts'
import { lockPromises } from './lock-promises.ts'
import { sessionPromises } from './session-promises.ts'
import { txnPromises } from './txn-promises.ts'

/** Registers what Consul promises and this project leans on, as tests of what `open` gives; each test gets its own. */
export function consulPromises(name: string, open: () => ConsulTarget): void {
  const client = () => new Client(open())
  describe.concurrent(name, () => {
    describe('a session', () => sessionPromises(client))
    describe('a key', () => kvPromises(client))
    describe('a lock', () => lockPromises(client))
    describe('a transaction', () => txnPromises(client))
    describe('the catalog', () => catalogPromises(client))
    describe('health', () => healthPromises(client))
    describe('an agent', () => agentPromises(client))
    describe('a check', () => checkPromises(client))
    describe('a blocking read', () => blockingPromises(client))
  })
}
